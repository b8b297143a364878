#include "async/gcra.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

int take_all(gcra& bucket, const bucket_rate& rate, time_point now)
{
    int taken = 0;
    while (taken < 100'000 && bucket.take(rate, now)) ++taken;
    return taken;
}

TEST(gcra, gives_a_burst_and_then_its_rate)
{
    const bucket_rate rate{5, 20};
    gcra bucket;
    EXPECT_EQ(take_all(bucket, rate, start), 20);
    EXPECT_EQ(take_all(bucket, rate, start + 199ms), 0);
    EXPECT_EQ(take_all(bucket, rate, start + 201ms), 1);
    EXPECT_EQ(take_all(bucket, rate, start + 2201ms), 10);
    EXPECT_EQ(take_all(bucket, rate, start + 1h), 20);
    EXPECT_FALSE(bucket.full(start + 1h));
    EXPECT_TRUE(bucket.full(start + 1h + 5s));
}

TEST(gcra, allows_one_where_less_fit)
{
    const bucket_rate rate{0.01, 0.1};
    gcra bucket;
    EXPECT_EQ(take_all(bucket, rate, start), 1);
    EXPECT_EQ(take_all(bucket, rate, start + 99s), 0);
    EXPECT_EQ(take_all(bucket, rate, start + 101s), 1);
}

TEST(gcra, of_no_rate_limits_nothing)
{
    gcra bucket;
    EXPECT_EQ(take_all(bucket, {}, start), 100'000);
    EXPECT_EQ(bucket.spend({}, start, 1e18), start);
}

TEST(gcra, lets_a_debt_be_paid_in_time)
{
    const bucket_rate rate{100, 50};
    gcra bucket;
    EXPECT_EQ(bucket.spend(rate, start, 50), start);
    EXPECT_EQ(bucket.spend(rate, start, 100), start + 1s);
    EXPECT_EQ(bucket.spend(rate, start + 1s, 100), start + 2s);
    EXPECT_EQ(bucket.spend(rate, start + 1min, 50), start + 1min);
}

TEST(gcra, bears_absurd_numbers)
{
    gcra bucket;
    for (int i = 0; i < 5; ++i) EXPECT_GE(bucket.spend({1e-9, 0}, start, 1e18), start);
    EXPECT_FALSE(bucket.take({1e-9, 1}, start));
}

TEST(gcra, says_how_many_tokens_are_there_and_when_more_will_be)
{
    const bucket_rate rate{10, 20};
    gcra bucket;
    EXPECT_EQ(bucket.available(rate, start, 100), 20u);
    EXPECT_EQ(bucket.available(rate, start, 5), 5u);
    EXPECT_EQ(bucket.ready(rate, start, 20), start);
    bucket.spend(rate, start, 20);
    EXPECT_EQ(bucket.available(rate, start, 100), 0u);
    EXPECT_EQ(bucket.ready(rate, start), start + 100ms);
    EXPECT_EQ(bucket.ready(rate, start, 7), start + 700ms);
    for (int tenths = 0; tenths <= 20; ++tenths)
        EXPECT_EQ(bucket.available(rate, start + tenths * 100ms, 100), static_cast<std::size_t>(tenths));
    bucket.spend(rate, start, 5); // a debt
    EXPECT_EQ(bucket.available(rate, start + 500ms, 100), 0u);
    EXPECT_EQ(bucket.ready(rate, start), start + 600ms);
    EXPECT_EQ(bucket.full_at(), start + 2500ms);
    EXPECT_EQ(bucket.available({}, start, 100), 100u);
    EXPECT_EQ(bucket.ready({}, start, 1e18), start);
}

TEST(gcra, gets_back_what_was_not_needed)
{
    const bucket_rate rate{1, 10};
    gcra bucket;
    bucket.give_back(rate, 5);
    EXPECT_EQ(bucket.available(rate, start, 100), 10u) << "a full bucket stays full";
    bucket.spend(rate, start, 10);
    bucket.give_back(rate, 3);
    EXPECT_EQ(take_all(bucket, rate, start), 3);
    bucket.give_back(rate, 100);
    EXPECT_EQ(take_all(bucket, rate, start), 10) << "no more than a burst";
}

} // namespace
} // namespace parley::detail
