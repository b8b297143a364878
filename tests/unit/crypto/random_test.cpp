#include <parley/crypto/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace parley {
namespace {

TEST(random, starting_the_library_again_is_no_error)
{
    EXPECT_FALSE(initialise_crypto());
    EXPECT_FALSE(initialise_crypto());
}

TEST(random, fills_everything_it_is_given)
{
    // One fill misses a given value at a given place with probability 255/256; all 8000 miss it with less
    // than 2^-45.
    std::array<std::set<byte>, 7> seen;
    for (int i = 0; i < 8000; ++i) {
        std::array<byte, 7> bytes{};
        system_random().fill(bytes);
        for (std::size_t j = 0; j < bytes.size(); ++j) seen[j].insert(bytes[j]);
    }
    for (const auto& values : seen) EXPECT_EQ(values.size(), 256U);
}

TEST(random, writes_nothing_outside)
{
    byte_vector bytes(64, 0xa5);
    system_random().fill(mutable_bytes(bytes).subspan(16, 32));
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 16, [](byte b) { return b == 0xa5; }));
    EXPECT_TRUE(std::all_of(bytes.begin() + 48, bytes.end(), [](byte b) { return b == 0xa5; }));
    system_random().fill({});
}

TEST(random, never_repeats_itself)
{
    std::set<byte_vector> seen;
    for (int i = 0; i < 1000; ++i) {
        byte_vector bytes(32);
        system_random().fill(bytes);
        EXPECT_TRUE(seen.insert(bytes).second);
    }
}

TEST(random, is_one_object)
{
    EXPECT_EQ(&system_random(), &system_random());
}

} // namespace
} // namespace parley
