#include "payload/in/small_file_cache.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::small_file_cache;

TEST(SmallFileCache, are_lent_room_one_after_another_until_it_is_full)
{
    small_file_cache held;
    EXPECT_TRUE(held.empty());
    const std::uint64_t size = small_file_cache::longest_bytes;
    std::uint64_t position = 0;
    std::uint32_t count = 0;
    while (const auto given = held.hold(count, size)) {
        EXPECT_EQ(*given, position);
        held.at(*given)[size - 1] = 1;
        position += size;
        ++count;
    }
    EXPECT_EQ(position, small_file_cache::room_bytes);
    EXPECT_EQ(held.numbers().size(), count);
    for (std::uint32_t i = 1; i < count; ++i) held.release();
    EXPECT_FALSE(held.empty());
    EXPECT_FALSE(held.hold(count, size)) << "one is still there";
    held.release();
    EXPECT_TRUE(held.empty());
    EXPECT_TRUE(held.numbers().empty());
    EXPECT_EQ(held.hold(7, 1), 0u) << "from the front again";
    EXPECT_EQ(held.hold(8, size - 1), 1u);
    EXPECT_EQ(held.numbers(), (std::vector<std::uint32_t>{7, 8}));
}

TEST(SmallFileCache, are_neither_long_nor_countless)
{
    small_file_cache held;
    EXPECT_FALSE(held.hold(0, small_file_cache::longest_bytes + 1));
    EXPECT_FALSE(held.hold(0, UINT64_MAX));
    for (std::uint32_t i = 0; i < small_file_cache::max_contents; ++i) EXPECT_TRUE(held.hold(i, 0));
    EXPECT_FALSE(held.hold(0, 0));
}

} // namespace
} // namespace parley_test
