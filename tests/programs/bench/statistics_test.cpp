#include "bench/statistics.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace parley::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Summary, OddEvenAndNone)
{
    const std::vector<double> odd{3, 1, 2}, even{4, 1, 3, 2};
    EXPECT_EQ(summarise(odd).median, 2);
    EXPECT_EQ(summarise(odd).min, 1);
    EXPECT_EQ(summarise(odd).max, 3);
    EXPECT_EQ(summarise(even).median, 2.5);
    EXPECT_EQ(summarise({}).max, 0);
}

TEST(LatencyRecorder, PercentilesAreWithinABucketOfTheTruth)
{
    std::mt19937_64 draw{1};
    std::lognormal_distribution<double> shape{12, 2};
    std::vector<double> values(20'001);
    latency_recorder recorder;
    for (double& value : values) {
        value = std::floor(shape(draw));
        recorder.record(nanoseconds{static_cast<std::int64_t>(value)});
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9}) {
        const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * 20'001));
        const double truth = values[rank == 0 ? 0 : rank - 1];
        EXPECT_NEAR(static_cast<double>(recorder.percentile(percent).count()), truth, truth * 0.016 + 1)
            << percent;
    }
    EXPECT_EQ(static_cast<double>(recorder.percentile(100).count()), values.back());
    EXPECT_EQ(recorder.count(), values.size());
}

TEST(LatencyRecorder, ExtremesAndMerge)
{
    latency_recorder a, b;
    EXPECT_EQ(a.percentile(50).count(), 0);
    a.record(nanoseconds{-5});
    a.record(nanoseconds::max());
    EXPECT_EQ(a.percentile(50).count(), 0);
    EXPECT_EQ(a.max(), nanoseconds::max());
    b.record(nanoseconds{63});
    b.merge(a);
    EXPECT_EQ(b.count(), 3u);
    EXPECT_EQ(b.percentile(60).count(), 63);
    EXPECT_EQ(b.max(), nanoseconds::max());
}

// A program that answers in 1 ms, but stands still for 1 s once: a generator that waits for each answer sees
// one slow answer, those who would have come in that second see a thousand.
TEST(OpenLoop, AStallIsChargedToAllWhoCameMeanwhile)
{
    using clock = open_loop_schedule::clock;
    const clock::time_point start{};
    open_loop_schedule schedule{start, 1000};
    latency_recorder recorder;
    clock::time_point now = start;
    for (int i = 0; i < 2000; ++i) {
        now = std::max(now, schedule.next());
        EXPECT_TRUE(schedule.due(now));
        const clock::time_point intended = schedule.take();
        now += i == 500 ? milliseconds{1000} : std::chrono::microseconds{500};
        recorder.record(now - intended);
    }
    EXPECT_LT(recorder.percentile(20), milliseconds{1});
    EXPECT_GT(recorder.percentile(90), milliseconds{400});
    EXPECT_NEAR(static_cast<double>(recorder.max().count()), 1e9, 2e7);
}

TEST(OpenLoop, TheScheduleDoesNotDrift)
{
    open_loop_schedule schedule{{}, 3};
    for (int i = 0; i < 3'000'000; ++i) schedule.take();
    EXPECT_NEAR(std::chrono::duration<double>(schedule.next().time_since_epoch()).count(), 1'000'000, 1e-6);
}

} // namespace
} // namespace parley::bench
