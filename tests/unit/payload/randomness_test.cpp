#include <parley/payload/randomness.hpp>

#include "unit/payload/plain_pack.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parley;
using namespace parley_test;

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool random_in(std::string_view text)
{
    return is_incompressible(as_bytes(text));
}

TEST(Randomness, IsSeenInRandomBytesOfAnySize)
{
    for (const std::size_t size : {256u, 300u, 2'000u, 4'099u, 65'536u, 3'000'000u}) {
        const unsigned tries = size > 100'000 ? 4 : 200;
        unsigned seen = 0;
        for (unsigned seed = 1; seed <= tries; ++seed) seen += random_in(random_text(size, seed));
        EXPECT_GE(seen, tries * 95 / 100) << size;
    }
}

TEST(Randomness, IsNotSeenInWhatShrinks)
{
    for (const std::size_t size : {256u, 1'000u, 65'536u}) {
        std::string base64 = random_text(size, 5), counter, zeros(size, '\0');
        for (char& c : base64) c = base64_digits[static_cast<unsigned char>(c) % base64_digits.size()];
        for (std::size_t i = 0; i < size; ++i) counter += static_cast<char>(i);
        const std::string part = random_text(size * 4 / 5, 6);
        const std::string repeats = part + part.substr(0, size - part.size());
        EXPECT_FALSE(random_in(wordy_text(size, 1)));
        EXPECT_FALSE(random_in(base64));
        EXPECT_FALSE(random_in(counter));
        EXPECT_FALSE(random_in(zeros));
        EXPECT_FALSE(random_in(part + part));
        EXPECT_FALSE(size > 10'000 && random_in(repeats));
    }
}

TEST(Randomness, CannotBeToldFromAFewBytes)
{
    EXPECT_FALSE(random_in({}));
    EXPECT_FALSE(random_in(random_text(255, 1)));
}

} // namespace
