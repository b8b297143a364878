#include "relay/limits/limiter.hpp"
#include "relay/limits/lobby_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <span>
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
        permit made;
        const auto refused = limit->admit(made, who, now, is_proxy);
        EXPECT_EQ(static_cast<bool>(made), !refused);
        if (!refused) permits.push_back(std::move(made));
        return refused;
    }

    relay_limits limits;
    std::shared_ptr<limiter> limit = std::make_shared<limiter>(limits, 1);
    std::deque<permit> permits;
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
    EXPECT_LE(limit->networks(), 0x4000u + 11);
}

struct holder final : place_holder {
    void give_way(reject_reason why) override
    {
        EXPECT_EQ(why, reject_reason::over_share);
        gave_way = true;
        for (permit& each : held) each.release();
    }
    std::array<permit, 2> held;
    bool gave_way = false;
};

TEST_F(limits_test, bounds_rooms_in_all)
{
    limits.rooms = 2;
    limit->set_limits(limits);
    std::deque<std::array<permit, 2>> rooms;
    const auto open = [&](int number) {
        auto& made = rooms.emplace_back();
        return limit->take_for_both(share::rooms, made[0], from("192.0.2." + std::to_string(number)), made[1],
                                    from("198.51.100." + std::to_string(number)));
    };
    EXPECT_EQ(open(1), std::nullopt);
    EXPECT_EQ(open(2), std::nullopt);
    EXPECT_EQ(open(3), reject_reason::rooms_full);
    rooms.pop_front();
    EXPECT_EQ(open(4), std::nullopt);
    limits.rooms = 0;
    limit->set_limits(limits);
    EXPECT_EQ(open(5), std::nullopt);
}

TEST_F(limits_test, counts_a_room_for_both_addresses_and_once_where_both_are)
{
    limits.rooms_per_address = 3;
    limit->set_limits(limits);
    const auto a = from("[2001:db8:0:100::1]", 1), same = from("[2001:db8:0:100::2]", 2),
               near = from("[2001:db8:0:101::1]", 3), far = from("[2001:db8:0:200::1]", 4);
    std::deque<std::array<permit, 2>> rooms;
    const auto open = [&](const identity& x, const identity& y) {
        auto& made = rooms.emplace_back();
        return limit->take_for_both(share::rooms, made[0], x, made[1], y);
    };
    EXPECT_EQ(open(a, same), std::nullopt);
    EXPECT_EQ(limit->held(share::rooms, a), 1u);
    EXPECT_EQ(open(near, a), std::nullopt);
    EXPECT_EQ(open(a, far), std::nullopt);
    EXPECT_EQ(limit->held(share::rooms, a), 3u);
    EXPECT_EQ(limit->held(share::rooms, a, 1), 3u);
    EXPECT_EQ(limit->held(share::rooms, a, 2), 3u);
    EXPECT_EQ(limit->held(share::rooms, near), 1u);
    EXPECT_EQ(limit->held(share::rooms, far), 1u);
    EXPECT_EQ(limit->held(share::rooms, far, 1), 1u);
    EXPECT_EQ(open(a, from("192.0.2.1")), reject_reason::address_rooms);
    EXPECT_EQ(open(from("192.0.2.1"), same), reject_reason::address_rooms);
    EXPECT_EQ(limit->held(share::rooms, from("192.0.2.1")), 0u) << "refused for both";
    EXPECT_EQ(open(far, from("unix-1")), std::nullopt);
    rooms.clear();
    for (const identity& each : {a, near, far})
        for (unsigned level = 0; level < network_levels; ++level)
            EXPECT_EQ(limit->held(share::rooms, each, level), 0u);
}

TEST_F(limits_test, the_largest_network_gives_way_to_one_that_holds_less)
{
    limits.connections = 6;
    limit->set_limits(limits);
    std::deque<holder> holders;
    const auto come = [&](const std::string& address, int port = 1) {
        holder& made = holders.emplace_back();
        return limit->admit(made.held[0], from(address, port), start, false, &made);
    };
    // Four from a /48, in different /64s and /56s; two from elsewhere.
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(come("[2001:db8:0:" + std::to_string(100 * i) + "::1]"), std::nullopt);
    EXPECT_EQ(come("192.0.2.1"), std::nullopt);
    EXPECT_EQ(come("192.0.2.2"), std::nullopt);
    EXPECT_EQ(come("[2001:db8:0:9999::1]"), reject_reason::connections_full) << "its own network holds most";
    EXPECT_EQ(come("192.0.2.3"), std::nullopt);
    EXPECT_TRUE(holders[3].gave_way) << "the newest";
    EXPECT_EQ(come("192.0.2.4"), std::nullopt);
    EXPECT_TRUE(holders[2].gave_way);
    EXPECT_EQ(come("192.0.2.1", 2), reject_reason::connections_full) << "no more than the largest would have";
    EXPECT_EQ(come("192.0.2.5"), std::nullopt);
    EXPECT_EQ(come("192.0.2.6"), reject_reason::connections_full) << "all have one";
    EXPECT_EQ(limit->connections(), 6u);
    EXPECT_EQ(std::count_if(holders.begin(), holders.end(), [](const holder& h) { return h.gave_way; }), 3);
    // A proxy's connection is in nobody's network until it is named.
    EXPECT_EQ(limit->admit(holders.emplace_back().held[0], from("10.0.0.1"), start, true),
              reject_reason::connections_full);
}

TEST_F(limits_test, a_named_connection_is_its_network_s)
{
    limits.connections = 3;
    limit->set_limits(limits);
    std::array<holder, 4> proxied;
    int port = 0;
    for (holder& each : std::span{proxied}.first(3)) {
        EXPECT_EQ(limit->admit(each.held[0], from("10.0.0.1", ++port), start, true, &each), std::nullopt);
        EXPECT_EQ(limit->name(each.held[0], from("192.0.2.1", port), start), std::nullopt);
    }
    EXPECT_EQ(limit->admit(proxied[3].held[0], from("10.0.0.1", 3), start, true, &proxied[3]), std::nullopt);
    EXPECT_TRUE(proxied[2].gave_way);
    EXPECT_EQ(limit->connections(), 3u);
}

TEST_F(limits_test, waiting_is_a_share_of_the_same_connection)
{
    limits.waiting_per_address = 1;
    limit->set_limits(limits);
    EXPECT_EQ(admit(from("192.0.2.1", 1)), std::nullopt);
    EXPECT_EQ(admit(from("192.0.2.1", 2)), std::nullopt);
    EXPECT_EQ(limit->also(share::waiting, permits[0]), std::nullopt);
    EXPECT_EQ(limit->also(share::waiting, permits[0]), std::nullopt) << "once";
    EXPECT_EQ(limit->also(share::waiting, permits[1]), reject_reason::address_waiting);
    EXPECT_EQ(limit->held(share::connections, from("192.0.2.1")), 2u);
    permits.pop_front();
    EXPECT_EQ(limit->held(share::waiting, from("192.0.2.1")), 0u);
    EXPECT_EQ(limit->held(share::connections, from("192.0.2.1")), 1u);
    EXPECT_EQ(limit->also(share::waiting, permits[0]), std::nullopt);
}

TEST_F(limits_test, a_network_that_is_refused_spends_no_token_of_the_address)
{
    limits.connections_per_second = 1;
    limit->set_limits(limits);
    const auto address = [](int number) { return "[2001:db8:0:" + std::to_string(number) + "::1]"; };
    for (int i = 0; i < 20; ++i) EXPECT_EQ(admit(from(address(i % 2))), std::nullopt);
    EXPECT_EQ(admit(from(address(3))), reject_reason::connection_rate) << "a /56";
    for (int i = 0; i < 20; ++i) EXPECT_EQ(admit(from(address(1000 + i % 2))), std::nullopt) << "another /56";
    EXPECT_EQ(admit(from(address(2000))), reject_reason::connection_rate) << "the /48";
    EXPECT_EQ(admit(from(address(3)), start + 1s), std::nullopt);
}

TEST_F(limits_test, lines_that_poll_for_a_peer_are_refused_until_they_cease)
{
    const auto who = from("192.0.2.1"), polled = from("198.51.100.1"), other = from("198.51.100.2");
    time_point now = start;
    for (int i = 0; i < 11; ++i) {
        EXPECT_EQ(limit->refuse_line(who, polled, now), std::nullopt) << i;
        limit->line_denied(who, polled, now);
    }
    for (int i = 0; i < 100; ++i, now += 14ms)
        EXPECT_EQ(limit->refuse_line(who, polled, now), reject_reason::denied_rate);
    EXPECT_EQ(limit->refuse_line(who, other, now), std::nullopt) << "another peer's line";
    EXPECT_EQ(limit->refuse_line(from("192.0.2.2"), polled, now), std::nullopt) << "another address";
    limit->line_denied(who, other, now);
    EXPECT_EQ(limit->refuse_line(who, other, now), reject_reason::denied_rate);
    now += 59s;
    EXPECT_EQ(limit->refuse_line(who, polled, now), reject_reason::denied_rate) << "and a minute from now";
    now += 60s;
    EXPECT_EQ(limit->refuse_line(who, polled, now), std::nullopt);
    limits.denied_lines_per_minute = 0;
    limit->set_limits(limits);
    for (int i = 0; i < 100; ++i) limit->line_denied(who, polled, now);
    EXPECT_EQ(limit->refuse_line(who, polled, now), std::nullopt);
}

TEST_F(limits_test, a_lobby_counts_for_one_who_is_in_it)
{
    limits.lobbies_per_address = 1;
    limit->set_limits(limits);
    holder first, second;
    lobby_share one{limit}, two{limit};
    const identity a = from("192.0.2.1"), b = from("192.0.2.2");
    for (const identity& who : {a, a, b}) EXPECT_EQ(admit(who), std::nullopt);
    EXPECT_EQ(one.open(a, first), std::nullopt);
    for (permit& each : permits) one.enter(each);
    EXPECT_EQ(two.open(a, second), reject_reason::address_lobbies);
    permits.pop_front();
    EXPECT_EQ(limit->would_refuse(share::lobbies, a), reject_reason::address_lobbies) << "still there";
    permits.pop_front();
    EXPECT_EQ(limit->would_refuse(share::lobbies, a), std::nullopt);
    EXPECT_EQ(limit->would_refuse(share::lobbies, b), reject_reason::address_lobbies) << "who keeps it";
    permits.clear();
    EXPECT_EQ(limit->held(share::lobbies, b), 1u) << "as long as it lasts";
    one.release();
    EXPECT_EQ(limit->held(share::lobbies, b), 0u);
}

TEST_F(limits_test, gives_permits_that_move)
{
    permit a, b;
    EXPECT_EQ(limit->admit(a, from("192.0.2.1"), start), std::nullopt);
    b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(limit->connections(), 1u);
    b = permit{};
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
