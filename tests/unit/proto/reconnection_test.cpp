#include <parley/proto/reconnection.hpp>

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

TEST(reconnect_pauses_test, grow_and_are_spread)
{
    testing::seeded_random random{1};
    reconnect_pauses pauses{random};
    std::set<duration> seen;
    for (int round = 0; round < 50; ++round) {
        duration length = reconnect_pauses::first;
        for (int i = 0; i < 8; ++i) {
            const duration pause = pauses.next();
            EXPECT_GE(pause, length / 2);
            EXPECT_LE(pause, length);
            seen.insert(pause);
            length = std::min(length * 2, reconnect_pauses::longest);
        }
        EXPECT_EQ(length, reconnect_pauses::longest);
        pauses.reset();
    }
    EXPECT_GT(seen.size(), 390U) << "peers do not come back at the same moment";
}

TEST(continuation_pauses_test, double_up_to_half_a_minute_give_or_take_a_fifth)
{
    testing::seeded_random random{2};
    continuation_pauses pauses{random};
    std::set<duration> seen;
    for (int round = 0; round < 50; ++round) {
        duration length = 500ms;
        for (int i = 0; i < 9; ++i) {
            const duration pause = pauses.next();
            EXPECT_GE(pause, length * 4 / 5);
            EXPECT_LE(pause, length * 6 / 5);
            seen.insert(pause);
            length = std::min<duration>(length * 2, 30s);
        }
        EXPECT_EQ(length, 30s);
        pauses.reset();
    }
    EXPECT_GT(seen.size(), 200U) << "peers do not come back at the same moment";
}

TEST(continuation_time_test, lasts_ten_minutes_from_the_first_break_since_bytes_came)
{
    continuation_time time;
    EXPECT_EQ(time.ends(), no_deadline);
    const time_point start{1h};
    EXPECT_TRUE(time.broke(start, false));
    EXPECT_EQ(time.ends(), start + 10min);
    EXPECT_EQ(time.own_password_from(), start + 30s);

    EXPECT_FALSE(time.broke(start + 5min, false));
    EXPECT_EQ(time.ends(), start + 10min) << "nothing has moved";
    EXPECT_EQ(time.own_password_from(), start + 5min + 30s);

    EXPECT_TRUE(time.broke(start + 9min, true));
    EXPECT_EQ(time.ends(), start + 19min);
    time.limit(start + 10min);
    EXPECT_EQ(time.ends(), start + 10min);
    time.limit(start + 30min);
    EXPECT_EQ(time.ends(), start + 10min) << "a limit is no extension";
}

} // namespace
} // namespace parley::test
