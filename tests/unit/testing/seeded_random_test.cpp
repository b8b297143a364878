#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::testing {
namespace {

TEST(seeded_random_test, one_seed_gives_one_sequence)
{
    seeded_random a{7}, b{7}, c{8};
    std::array<byte, 19> from_a{}, from_b{}, from_c{};
    a.fill(from_a);
    b.fill(from_b);
    c.fill(from_c);
    EXPECT_EQ(from_a, from_b);
    EXPECT_NE(from_a, from_c);
    EXPECT_EQ(a.next(), b.next());
}

TEST(seeded_random_test, is_the_same_on_every_platform)
{
    seeded_random random{0};
    EXPECT_EQ(random.next(), 0xe220a8397b1dcdafU); // splitmix64's published first value for seed 0
    for (int i = 0; i < 100; ++i) EXPECT_LT(random.below(3), 3U);
}

} // namespace
} // namespace parley::testing
