#include "transport/connection_race.hpp"
#include <parley/testing/virtual_clock.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

tcp_endpoint v4(std::uint16_t port)
{
    return {asio::ip::address_v4::loopback(), port};
}
tcp_endpoint v6(std::uint16_t port)
{
    return {asio::ip::address_v6::loopback(), port};
}

TEST(interleave_families_test, the_families_take_turns_beginning_with_the_first)
{
    EXPECT_EQ(interleave_families({v6(1), v6(2), v6(3), v4(4), v4(5)}),
              (std::vector{v6(1), v4(4), v6(2), v4(5), v6(3)}));
    EXPECT_EQ(interleave_families({v4(1), v6(2), v6(3)}), (std::vector{v4(1), v6(2), v6(3)}));
    EXPECT_EQ(interleave_families({v4(1), v4(2)}), (std::vector{v4(1), v4(2)}));
    EXPECT_TRUE(interleave_families({}).empty());
}

TEST(connection_race_test, starts_one_every_delay)
{
    testing::virtual_clock time;
    connection_race race{3, 250ms};
    EXPECT_EQ(race.next(time.now()), 0U);
    EXPECT_EQ(race.next(time.now()), std::nullopt);
    EXPECT_EQ(race.next_start(), time.now() + 250ms);
    time.advance(249ms);
    EXPECT_EQ(race.next(time.now()), std::nullopt);
    time.advance(1ms);
    EXPECT_EQ(race.next(time.now()), 1U);
    EXPECT_EQ(race.next(time.now()), std::nullopt);
    time.advance(250ms);
    EXPECT_EQ(race.next(time.now()), 2U);
    EXPECT_EQ(race.next_start(), no_deadline);
    EXPECT_FALSE(race.finished());
}

TEST(connection_race_test, a_failure_starts_the_next_at_once_only_when_none_is_under_way)
{
    testing::virtual_clock time;
    connection_race race{4, 250ms};
    EXPECT_EQ(race.next(time.now()), 0U);
    race.failed();
    EXPECT_EQ(race.next(time.now()), 1U);
    time.advance(250ms);
    EXPECT_EQ(race.next(time.now()), 2U);
    race.failed();
    EXPECT_EQ(race.next(time.now()), std::nullopt) << "another is under way";
    race.failed();
    EXPECT_EQ(race.next(time.now()), 3U);
    EXPECT_FALSE(race.finished());
    race.failed();
    EXPECT_TRUE(race.finished());
}

TEST(connection_race_test, a_success_ends_it)
{
    testing::virtual_clock time;
    connection_race race{2, 250ms};
    EXPECT_EQ(race.next(time.now()), 0U);
    race.succeeded();
    EXPECT_TRUE(race.finished());
    time.advance(1h);
    EXPECT_EQ(race.next(time.now()), std::nullopt);
    EXPECT_EQ(race.next_start(), no_deadline);
}

TEST(connection_race_test, one_without_addresses_is_over_at_once)
{
    EXPECT_TRUE(connection_race(0, 250ms).finished());
}

} // namespace
} // namespace parley
