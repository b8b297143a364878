#include "relay/limits/limiter.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

identity from(const std::string& address, int port = 1)
{
    return *identity::from_text(address + ":" + std::to_string(port));
}

struct limits_test : testing::Test {
    std::optional<reject_reason> admit(const identity& who, time_point now = start, bool is_proxy = false)
    {
        connection_permit permit;
        const auto refused = limit->admit(permit, who, now, is_proxy);
        EXPECT_EQ(static_cast<bool>(permit), !refused);
        if (!refused) permits.push_back(std::move(permit));
        return refused;
    }

    relay_limits limits;
    std::shared_ptr<limiter> limit = std::make_shared<limiter>(limits, 1);
    std::deque<connection_permit> permits;
};

TEST_F(limits_test, bounds_connections_in_all)
{
    limits.connections = 3;
    limit->set_limits(limits);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(admit(from("192.0.2." + std::to_string(i))), std::nullopt);
    EXPECT_EQ(admit(from("192.0.2.9")), reject_reason::connections_full);
    EXPECT_EQ(admit(from("unix-7")), reject_reason::connections_full);
    permits.pop_back();
    EXPECT_EQ(admit(from("192.0.2.9")), std::nullopt);
}

TEST_F(limits_test, bounds_connections_of_an_address)
{
    limits.connections_per_address = 2;
    limit->set_limits(limits);
    EXPECT_EQ(admit(from("[2001:db8::1]", 1)), std::nullopt);
    EXPECT_EQ(admit(from("[2001:db8::2]", 2)), std::nullopt);
    EXPECT_EQ(admit(from("[2001:db8::3]", 3)), reject_reason::address_full);
    EXPECT_EQ(admit(from("[2001:db8:0:1::3]", 3)), std::nullopt);
    permits.pop_front();
    EXPECT_EQ(admit(from("[2001:db8::3]", 3)), std::nullopt);
    EXPECT_EQ(limit->connections(), 3u);
}

TEST_F(limits_test, bounds_how_fast_an_address_comes)
{
    limits.connections_per_second = 2;
    limit->set_limits(limits);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(admit(from("192.0.2.1", i)), std::nullopt);
    EXPECT_EQ(admit(from("192.0.2.1")), reject_reason::connection_rate);
    EXPECT_EQ(admit(from("192.0.2.2")), std::nullopt);
    permits.clear();
    EXPECT_EQ(admit(from("192.0.2.1")), reject_reason::connection_rate); // leaving gives nothing back
    EXPECT_EQ(admit(from("192.0.2.1"), start + 501ms), std::nullopt);
    EXPECT_EQ(admit(from("192.0.2.1"), start + 502ms), reject_reason::connection_rate);
}

TEST_F(limits_test, bounds_how_fast_an_address_says_hello)
{
    limits.hellos_per_second = 1;
    limit->set_limits(limits);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(limit->hello(from("192.0.2.1", i), start), std::nullopt);
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start), reject_reason::hello_rate);
    EXPECT_EQ(limit->hello(from("192.0.2.2"), start), std::nullopt);
    EXPECT_EQ(limit->hello(from("unix-1"), start), std::nullopt);
}

TEST_F(limits_test, charges_a_hello_for_those_that_hear_of_it)
{
    limits.announcements_per_second = 100;
    limit->set_limits(limits);
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start, 600), std::nullopt);
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start, 600), reject_reason::announcement_rate);
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start), std::nullopt) << "one at least";
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start, 399), std::nullopt);
    EXPECT_EQ(limit->hello(from("192.0.2.1"), start), reject_reason::announcement_rate);
    EXPECT_EQ(limit->hello(from("192.0.2.2"), start, 50'000), std::nullopt)
        << "whom so many hear needs a full bucket";
    EXPECT_EQ(limit->hello(from("192.0.2.2"), start + 10s), reject_reason::announcement_rate);
    EXPECT_EQ(limit->hello(from("unix-1"), start, 50'000), std::nullopt);
}

TEST_F(limits_test, counts_the_client_and_not_its_proxy)
{
    limits.connections_per_address = 1;
    limit->set_limits(limits);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(admit(from("192.0.2.1", i), start, true), std::nullopt);
    EXPECT_EQ(limit->name(permits[0], from("198.51.100.1"), start), std::nullopt);
    EXPECT_EQ(limit->name(permits[1], from("198.51.100.1"), start), reject_reason::address_full);
    EXPECT_EQ(limit->name(permits[1], from("198.51.100.2"), start), std::nullopt);
    EXPECT_EQ(limit->name(permits[0], from("198.51.100.3"), start), std::nullopt); // said once
    EXPECT_EQ(admit(from("198.51.100.3")), std::nullopt);
    EXPECT_EQ(admit(from("198.51.100.2")), reject_reason::address_full);
    permits.clear();
    EXPECT_EQ(limit->connections(), 0u);
}

TEST_F(limits_test, forgets_addresses_without_connections_in_bounded_memory)
{
    for (int i = 0; i < 100'000; ++i) {
        EXPECT_EQ(
            admit(from("[2001:db8:" + std::to_string(i % 9999) + ":" + std::to_string(i / 9999) + "::]")),
            std::nullopt);
        if (permits.size() > 10) permits.pop_front();
    }
    EXPECT_LE(limit->addresses(), 0x4000u + 11);
}

TEST_F(limits_test, bounds_rooms)
{
    limits.rooms = 2;
    limit->set_limits(limits);
    EXPECT_TRUE(limit->open_room());
    EXPECT_TRUE(limit->open_room());
    EXPECT_FALSE(limit->open_room());
    limit->close_room();
    EXPECT_TRUE(limit->open_room());
    limits.rooms = 0;
    limit->set_limits(limits);
    EXPECT_TRUE(limit->open_room());
}

TEST_F(limits_test, gives_permits_that_move)
{
    connection_permit a, b;
    EXPECT_EQ(limit->admit(a, from("192.0.2.1"), start), std::nullopt);
    b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(limit->connections(), 1u);
    b = connection_permit{};
    EXPECT_EQ(limit->connections(), 0u);
    EXPECT_EQ(limit->admit(a, from("192.0.2.1"), start), std::nullopt);
    a.release();
    a.release();
    EXPECT_EQ(limit->connections(), 0u);
}

TEST(refusals, have_a_name_each)
{
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < refusals; ++i)
        names.insert(reject_reason_name(static_cast<reject_reason>(i)));
    EXPECT_EQ(names.size(), refusals);
    EXPECT_EQ(names.count("unknown"), 0u);
    EXPECT_EQ(reject_reason_name(reject_reason::address_full), "address_full");
    EXPECT_EQ(reject_reason_name(reject_reason::room_idle), "room_idle");
    EXPECT_EQ(reject_reason_name(reject_reason::hello_rate), "hello_rate");
}

} // namespace
} // namespace parley::detail
