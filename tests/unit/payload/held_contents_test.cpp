#include "payload/in/held_contents.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::held_contents;

TEST(HeldContents, are_lent_room_one_after_another_until_it_is_full)
{
    held_contents held;
    EXPECT_TRUE(held.empty());
    const std::uint64_t size = held_contents::longest_bytes;
    std::uint64_t position = 0;
    std::uint32_t count = 0;
    while (const auto given = held.hold(count, size)) {
        EXPECT_EQ(*given, position);
        held.at(*given)[size - 1] = 1;
        position += size;
        ++count;
    }
    EXPECT_EQ(position, held_contents::room_bytes);
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

TEST(HeldContents, are_neither_long_nor_countless)
{
    held_contents held;
    EXPECT_FALSE(held.hold(0, held_contents::longest_bytes + 1));
    EXPECT_FALSE(held.hold(0, UINT64_MAX));
    for (std::uint32_t i = 0; i < held_contents::max_contents; ++i) EXPECT_TRUE(held.hold(i, 0));
    EXPECT_FALSE(held.hold(0, 0));
}

} // namespace
} // namespace parley_test
