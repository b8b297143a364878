#include "unit/crypto/support.hpp"

#include <crypto/aead.hpp>

#include <openssl/err.h>

namespace parley::test {
namespace {

class aead_openssl : public ::testing::TestWithParam<cipher> {};

// A TLS stream of the same thread would take an error in this queue for its own failure.
TEST_P(aead_openssl, leaves_nothing_in_the_librarys_error_queue)
{
    ERR_clear_error();
    auto with = aead::create(GetParam(), base_nonce_bytes, direction_key{});
    ASSERT_TRUE(with);
    seeded_random random{1};
    const byte_vector nonce = random.bytes(base_nonce_bytes), content = random.bytes(10);
    byte_vector sealed(10), tag(record_tag_bytes), opened(10);
    ASSERT_TRUE(with->seal(nonce, nonce, content, sealed.data(), tag.data()));
    EXPECT_EQ(with->open(nonce, nonce, sealed, tag, opened.data()), error_code{});
    EXPECT_EQ(opened, content);
    tag.back() ^= 1;
    EXPECT_EQ(with->open(nonce, nonce, sealed, tag, opened.data()), errc::record_forged);
    EXPECT_EQ(ERR_peek_error(), 0U);

    ERR_raise(ERR_LIB_USER, 77);
    EXPECT_EQ(with->open(nonce, nonce, sealed, tag, opened.data()), errc::record_forged);
    EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 77);
    EXPECT_EQ(ERR_get_error(), 0U);
}

INSTANTIATE_TEST_SUITE_P(every, aead_openssl,
                         ::testing::Values(cipher::aes_256_gcm, cipher::aes_256_ccm,
                                           cipher::chacha20_poly1305));

} // namespace
} // namespace parley::test
