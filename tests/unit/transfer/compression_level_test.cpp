#include "transfer/compression_level.hpp"

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using detail::compression_level;

// Reads until the level changes.
int reads_until_change(compression_level& level, bool starving)
{
    const int before = level.level();
    int reads = 0;
    while (level.level() == before && reads < 10'000) {
        level.on_read(starving);
        ++reads;
    }
    return reads;
}

TEST(compression_level, rises_while_the_network_is_the_slower_one)
{
    compression_level level;
    EXPECT_EQ(level.level(), 1);
    for (int expected = 2; expected <= 9; ++expected) {
        EXPECT_EQ(reads_until_change(level, false), 16);
        EXPECT_EQ(level.level(), expected);
    }
    EXPECT_EQ(reads_until_change(level, false), 10'000) << "9 is the last";
}

TEST(compression_level, falls_to_nothing_while_the_network_waits)
{
    compression_level level;
    for (const int expected : {-1, zstd_encoder::stored}) {
        EXPECT_LE(reads_until_change(level, true), 5);
        EXPECT_EQ(level.level(), expected);
    }
    EXPECT_EQ(reads_until_change(level, true), 10'000);
}

TEST(compression_level, rises_later_after_each_fall)
{
    compression_level level;
    int last = 0;
    for (int round = 0; round < 12; ++round) {
        reads_until_change(level, true);
        const int reads = reads_until_change(level, false);
        EXPECT_GE(reads, last);
        EXPECT_LE(reads, 512);
        last = reads;
    }
    EXPECT_EQ(last, 512);
}

TEST(compression_level, a_short_pause_is_no_fall_but_many_are)
{
    compression_level level;
    for (int pause = 0; pause < 5; ++pause) {
        EXPECT_EQ(level.level(), 1) << pause;
        level.on_read(true);
        level.on_read(false);
    }
    EXPECT_EQ(level.level(), -1);
}

} // namespace
} // namespace parley::test
