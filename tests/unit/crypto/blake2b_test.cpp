#include <parley/crypto/blake2b.hpp>

#include <unit/crypto/support.hpp>

#include <algorithm>

namespace parley::test {
namespace {

std::string hash_text(std::string_view text)
{
    return to_hex(hash_blake2b_256(as_bytes(text)));
}

TEST(blake2b_256, gives_known_digests)
{
    EXPECT_EQ(hash_text(""), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    EXPECT_EQ(hash_text("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(blake2b_256, takes_any_split)
{
    seeded_random random{1};
    const byte_vector bytes = random.bytes(1000);
    for (int round = 0; round < 50; ++round) {
        blake2b_256 hash;
        for (bytes_view left = bytes; !left.empty();) {
            const std::size_t n = std::min<std::size_t>(left.size(), random.below(300));
            hash.update(left.first(n));
            left = left.subspan(n);
        }
        EXPECT_EQ(hash.digest(), hash_blake2b_256(bytes));
    }
}

TEST(blake2b_256, goes_on_after_a_digest_and_from_a_copy)
{
    seeded_random random{2};
    const byte_vector bytes = random.bytes(700);
    const bytes_view all{bytes};
    for (const std::size_t first : {0u, 1u, 127u, 128u, 129u, 255u, 256u, 257u, 700u}) {
        blake2b_256 hash;
        hash.update(all.first(first));
        EXPECT_EQ(hash.digest(), hash_blake2b_256(all.first(first))) << first;
        blake2b_256 copy = hash;
        hash.update(all.subspan(first));
        EXPECT_EQ(hash.digest(), hash_blake2b_256(all)) << first;
        EXPECT_EQ(copy.digest(), hash_blake2b_256(all.first(first)))
            << "the original's bytes are not the copy's";
        copy.update(all.subspan(first));
        EXPECT_EQ(copy.digest(), hash.digest()) << first;
    }
}

} // namespace
} // namespace parley::test
