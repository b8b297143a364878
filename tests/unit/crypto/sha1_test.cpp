#include <parley/crypto/sha1.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley {
namespace {

std::string digest_of(std::string_view text)
{
    sha1 hash;
    hash.update(text);
    return to_hex(hash.finish());
}

// The examples of FIPS 180, and Git's id of the empty file.
TEST(sha1, known_digests)
{
    EXPECT_EQ(digest_of(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    EXPECT_EQ(digest_of("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    EXPECT_EQ(digest_of(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    using namespace std::string_view_literals;
    EXPECT_EQ(digest_of("blob 0\0"sv), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(sha1, any_split_gives_the_same)
{
    std::string text(200, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
    const std::string whole = digest_of(text);
    for (std::size_t at = 0; at <= text.size(); ++at) {
        sha1 hash;
        hash.update(std::string_view(text).substr(0, at));
        hash.update(std::string_view(text).substr(at));
        EXPECT_EQ(to_hex(hash.finish()), whole);
    }
    sha1 bytewise;
    for (const char c : text) bytewise.update(std::string_view(&c, 1));
    EXPECT_EQ(to_hex(bytewise.finish()), whole);
}

TEST(sha1, finishing_starts_anew)
{
    sha1 hash;
    hash.update("something else");
    EXPECT_NE(to_hex(hash.finish()), digest_of("abc"));
    hash.update("abc");
    EXPECT_EQ(to_hex(hash.finish()), digest_of("abc"));
    EXPECT_EQ(to_hex(hash.finish()), digest_of(""));
}

TEST(sha1, moving_takes_the_state_along)
{
    sha1 hash;
    hash.update("ab");
    sha1 moved = std::move(hash);
    moved.update("c");
    sha1 assigned;
    assigned.update("forgotten");
    assigned = std::move(moved);
    EXPECT_EQ(to_hex(assigned.finish()), digest_of("abc"));
}

TEST(sha1, no_bytes_change_nothing)
{
    sha1 hash;
    hash.update(bytes_view{});
    hash.update("abc");
    hash.update(std::string_view{});
    EXPECT_EQ(to_hex(hash.finish()), digest_of("abc"));
}

} // namespace
} // namespace parley
