#include "relay/rooms/stall_clock.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
using enum stall_clock::state;

constexpr duration timeout = 60s;
const time_point start = time_point{} + 1h;

TEST(stall_clock, ends_what_does_not_move)
{
    stall_clock clock;
    EXPECT_EQ(clock.look(start, 0, 0, timeout), moves);
    EXPECT_EQ(clock.look(start + 1s, 5, 100, timeout), moves) << "from here on it counts";
    EXPECT_EQ(clock.look(start + 2s, 5, 100, timeout), slow);
    EXPECT_EQ(clock.look(start + 61s - 1ns, 5, 100, timeout), slow);
    EXPECT_EQ(clock.look(start + 61s, 5, 100, timeout), stalled);
}

TEST(stall_clock, has_patience_with_what_moves)
{
    stall_clock clock;
    std::uint64_t gone = 0;
    // 1.2 KB/s with four megabytes in front of it: 64 KiB take 55 s.
    for (time_point now = start; now < start + 1h; now += 1s)
        EXPECT_NE(clock.look(now, gone += 1200, 4'000'000, timeout), stalled);
    // A chat: a few bytes, all gone each time.
    stall_clock other;
    for (time_point now = start; now < start + 1h; now += 30s) {
        EXPECT_NE(other.look(now, gone, 10, timeout), stalled);
        gone += 10;
        EXPECT_EQ(other.look(now + 1s, gone, 0, timeout), moves);
    }
}

TEST(stall_clock, takes_no_single_byte_for_progress)
{
    stall_clock clock;
    std::uint64_t gone = 0;
    time_point now = start;
    while (clock.look(now, gone, 100'000, timeout) != stalled) {
        now += 1s;
        if ((now - start) % 59s == 0s) ++gone;
        ASSERT_LE(now, start + timeout);
    }
    EXPECT_EQ(now, start + timeout);
}

TEST(stall_clock, asks_for_no_more_than_was_held)
{
    stall_clock clock;
    std::uint64_t gone = 0;
    // Three bytes a minute, and always three held.
    for (time_point now = start; now < start + 1h; now += 59s, gone += 3)
        EXPECT_NE(clock.look(now, gone, 3, timeout), stalled);
}

TEST(stall_clock, calls_slow_what_holds_more_than_it_moves_in_ten_seconds)
{
    stall_clock clock;
    EXPECT_EQ(clock.look(start, 0, 1'000'000, timeout), moves);
    EXPECT_EQ(clock.look(start + 1s, 100'000, 1'000'000, timeout), moves);
    EXPECT_EQ(clock.look(start + 2s, 199'000, 1'000'000, timeout), slow);
    EXPECT_EQ(clock.look(start + 3s, 400'000, 1'000'000, timeout), moves);
    EXPECT_EQ(clock.look(start + 4s, 400'000, 0, timeout), moves);
    EXPECT_FALSE(clock.holds());
}

} // namespace
} // namespace parley::detail
