#include "crypto/sha1_pair.hpp"

#include <parley/crypto/sha1.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(sha1_pair, two_updated_together_are_what_each_is_alone)
{
    // Every offset within a block for either hash, blocks that form pairs, and a longer rest of either.
    byte_vector bytes(2000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<byte>(i * 7 + i / 256);
    const bytes_view all = bytes;
    for (std::size_t a = 0; a < 130; ++a)
        for (const std::size_t b : {0u, 1u, 55u, 63u, 64u, 65u, 100u}) {
            sha1 first, second, first_alone, second_alone;
            first.update(all.first(a));
            second.update(all.first(b));
            const bytes_view one = all.subspan(a, 500 + 3 * a), other = all.subspan(b, a % 3 == 0 ? 40 : 900);
            sha1::update_both(first, one, second, other);
            first.update(all.first(10));
            first_alone.update(all.first(a + one.size()));
            first_alone.update(all.first(10));
            second_alone.update(all.first(b + other.size()));
            EXPECT_EQ(first.finish(), first_alone.finish()) << a << ' ' << b;
            EXPECT_EQ(second.finish(), second_alone.finish()) << a << ' ' << b;
        }
}

TEST(sha1_pair, blocks_of_two_messages_advance_their_states)
{
    if (!sha1_pair_available()) GTEST_SKIP() << "a processor without SHA instructions";
    // "abc" and the empty message, padded to one block each (FIPS 180-4).
    byte first[64] = {'a', 'b', 'c', 0x80}, second[64] = {0x80};
    first[63] = 24;
    std::uint32_t one[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    std::uint32_t other[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    sha1_pair_blocks(one, first, other, second, 1);
    const std::uint32_t abc[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
    const std::uint32_t empty[5] = {0xda39a3ee, 0x5e6b4b0d, 0x3255bfef, 0x95601890, 0xafd80709};
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(one[i], abc[i]);
        EXPECT_EQ(other[i], empty[i]);
    }
}

} // namespace
} // namespace parley
