#include "transfer/path_estimator.hpp"

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using detail::path_estimator;

constexpr std::uint64_t believed = path_estimator::believed_bytes;
constexpr std::uint64_t wide = 1 << 20;

// Counts of a stream on which so many bytes are not acknowledged.
constexpr delivery_counts underway(std::uint64_t bytes)
{
    return {believed + bytes, believed};
}

TEST(path_estimator, believes_in_acknowledged_bytes_only)
{
    path_estimator gauge;
    EXPECT_FALSE(gauge.is_fast(0, underway(0), wide));
    EXPECT_FALSE(gauge.is_fast(believed - 1, underway(0), wide));
    EXPECT_FALSE(gauge.is_fast(believed + 999, underway(1000), wide));
    EXPECT_TRUE(gauge.is_fast(believed + 1000, underway(1000), wide));
}

TEST(path_estimator, sees_a_window_that_shrinks)
{
    path_estimator gauge;
    EXPECT_TRUE(gauge.is_fast(believed, underway(0), wide));
    EXPECT_TRUE(gauge.is_fast(believed, underway(0), 2 * wide));
    EXPECT_FALSE(gauge.is_fast(believed, underway(0), wide));
    EXPECT_FALSE(gauge.is_fast(believed, underway(0), 0));
    EXPECT_TRUE(gauge.is_fast(believed, underway(0), 2 * wide - wide / 8));
}

TEST(path_estimator, takes_the_unknown_for_slow)
{
    path_estimator gauge;
    EXPECT_FALSE(gauge.is_fast(believed, std::nullopt, wide));
    EXPECT_FALSE(gauge.is_fast(believed, underway(0), std::nullopt));
}

} // namespace
} // namespace parley::test
