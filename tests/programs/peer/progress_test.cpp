#include "peer/progress.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{};

TEST(format, of_rates)
{
    EXPECT_EQ(format_rate(0), "0 B/s");
    EXPECT_EQ(format_rate(2.5 * 1024 * 1024), "2.5 MiB/s");
    EXPECT_EQ(format_rate(-1), "0 B/s");
    EXPECT_EQ(format_rate(INFINITY), format_rate(1e18));
}

TEST(format, of_times)
{
    EXPECT_EQ(format_time(0s), "0:00");
    EXPECT_EQ(format_time(1ms), "0:01");
    EXPECT_EQ(format_time(59s), "0:59");
    EXPECT_EQ(format_time(60s), "1:00");
    EXPECT_EQ(format_time(3599s), "59:59");
    EXPECT_EQ(format_time(3h + 61s), "3:01:01");
    EXPECT_EQ(format_time(-5s), "0:00");
    EXPECT_EQ(format_time(duration::max()), "long");
}

TEST(progress_state, has_a_percentage_where_the_whole_is_known)
{
    EXPECT_EQ((progress_state{5, std::nullopt, {}, {}}.percent()), std::nullopt);
    EXPECT_EQ((progress_state{0, 0, {}, {}}.percent()), 100u);
    EXPECT_EQ((progress_state{1, 3, {}, {}}.percent()), 33u);
    EXPECT_EQ((progress_state{999, 1000, {}, {}}.percent()), 99u);
    EXPECT_EQ((progress_state{7, 5, {}, {}}.percent()), 100u);
    EXPECT_EQ((progress_state{UINT64_MAX / 2, UINT64_MAX, {}, {}}.percent()), 49u);
}

TEST(progress_meter, finds_a_steady_rate_and_the_time_left)
{
    progress_meter meter{start};
    progress_state state;
    for (int step = 1; step <= 100; ++step)
        state = meter.update(start + step * 100ms, static_cast<std::uint64_t>(step) * 1000, 200'000);
    ASSERT_TRUE(state.bytes_per_second);
    EXPECT_NEAR(*state.bytes_per_second, 10'000, 1);
    ASSERT_TRUE(state.time_left);
    EXPECT_NEAR(std::chrono::duration<double>(*state.time_left).count(), 10, 0.01);
}

TEST(progress_meter, says_nothing_of_the_first_moments)
{
    progress_meter meter{start};
    EXPECT_FALSE(meter.update(start, 0, 10).bytes_per_second);
    EXPECT_FALSE(meter.update(start + 100ms, 5, 10).bytes_per_second);
    EXPECT_TRUE(meter.update(start + 400ms, 9, 10).bytes_per_second);
}

TEST(progress_meter, notices_a_stall)
{
    progress_meter meter{start};
    for (int step = 1; step <= 20; ++step)
        EXPECT_FALSE(
            meter.update(start + step * 100ms, static_cast<std::uint64_t>(step) * 100, 10'000).stalled_for);
    EXPECT_EQ(progress_line(meter.update(start + 4s, 2000, 10'000)),
              "20 %  2.0 KiB of 9.8 KiB  500 B/s  0:16 left");
    EXPECT_EQ(progress_line(meter.update(start + 6999ms, 2000, 10'000)).find("stalled"), std::string::npos);
    const progress_state stalled = meter.update(start + 9500ms, 2000, 10'000);
    EXPECT_EQ(stalled.stalled_for, duration{7500ms});
    EXPECT_EQ(progress_line(stalled), "20 %  2.0 KiB of 9.8 KiB  stalled for 0:07");
    EXPECT_NE(progress_bar(stalled, 80).find("stalled for 0:07"), std::string::npos);
    EXPECT_FALSE(meter.update(start + 9600ms, 2001, 10'000).stalled_for) << "it goes on";
    meter.update(start + 9700ms, 10'000, 10'000);
    EXPECT_FALSE(meter.update(start + 99s, 10'000, 10'000).stalled_for) << "nothing more is due";
}

TEST(progress_meter, forgets_what_is_long_ago)
{
    progress_meter meter{start};
    std::uint64_t bytes = 0;
    progress_state state;
    for (int step = 1; step <= 100; ++step)
        state = meter.update(start + step * 100ms, bytes += 1'000'000, {});
    for (int step = 101; step <= 200; ++step) state = meter.update(start + step * 100ms, bytes += 10, {});
    ASSERT_TRUE(state.bytes_per_second);
    EXPECT_NEAR(*state.bytes_per_second, 100, 5);
}

TEST(progress_meter, knows_no_time_left_when_nothing_moves)
{
    progress_meter meter{start};
    progress_state state;
    for (int step = 1; step <= 100; ++step) state = meter.update(start + step * 100ms, 0, 100);
    EXPECT_EQ(state.bytes_per_second, 0.0);
    EXPECT_FALSE(state.time_left);
}

TEST(progress_pace, of_a_terminal_is_ten_a_second)
{
    progress_pace pace = progress_pace::each(100ms);
    int shown = 0;
    for (int ms = 0; ms < 10'000; ++ms) shown += pace.due(start + ms * 1ms, {}) ? 1 : 0;
    EXPECT_EQ(shown, 100);
}

TEST(progress_pace, of_lines_is_each_tenth)
{
    progress_pace pace = progress_pace::sparse();
    int shown = 0;
    for (int second = 0; second <= 40; ++second)
        shown += pace.due(start + second * 1s, {static_cast<std::uint64_t>(second), 40, {}, {}}) ? 1 : 0;
    EXPECT_EQ(shown, 10);
}

TEST(progress_pace, of_lines_is_at_least_every_five_seconds_and_at_most_twice_a_second)
{
    progress_pace slow = progress_pace::sparse();
    int shown = 0;
    for (int second = 0; second <= 60; ++second)
        shown += slow.due(start + second * 1s, {1, 1000, {}, {}}) ? 1 : 0;
    EXPECT_EQ(shown, 12);
    progress_pace fast = progress_pace::sparse();
    shown = 0;
    for (int ms = 0; ms <= 1000; ++ms)
        shown += fast.due(start + ms * 1ms, {static_cast<std::uint64_t>(ms), 1000, {}, {}}) ? 1 : 0;
    EXPECT_LE(shown, 2);
}

TEST(progress_line, leaves_out_what_is_not_known)
{
    EXPECT_EQ(progress_line({1024, {}, {}, {}}), "1.0 KiB");
    EXPECT_EQ(progress_line({1024, 4096, {}, {}}), "25 %  1.0 KiB of 4.0 KiB");
    EXPECT_EQ(progress_line({1024, 4096, 2048.0, 1500ms}), "25 %  1.0 KiB of 4.0 KiB  2.0 KiB/s  0:02 left");
}

TEST(progress_bar, fits_every_width)
{
    const progress_state half{512, 1024, 2048.0, 1s};
    EXPECT_EQ(progress_bar(half, 200),
              "[====================>                   ]   50 %  512 B of 1.0 KiB  2.0 KiB/s  0:01 left");
    for (std::size_t columns = 0; columns < 200; ++columns)
        for (const progress_state& state : {half, progress_state{5, {}, {}, {}},
                                            progress_state{UINT64_MAX, UINT64_MAX, 1e18, duration::max()}}) {
            const std::string bar = progress_bar(state, columns);
            EXPECT_LE(bar.size(), columns > 0 ? columns - 1 : 0);
            EXPECT_EQ(bar.find_first_not_of(" 0123456789%[]=>./:BKMGTPEibsofleftng"), std::string::npos)
                << bar;
        }
    EXPECT_EQ(progress_bar({0, 0, {}, {}}, 60).substr(0, 10), "[=========");
}

} // namespace
} // namespace parley::cli
