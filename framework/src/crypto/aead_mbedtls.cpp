// AES-256-GCM and AES-256-CCM are mbedTLS's. ChaCha20-Poly1305 is libsodium's, which is faster.
#include "crypto/aead.hpp"

#include <mbedtls/ccm.h>
#include <mbedtls/gcm.h>
#include <sodium.h>

#include <new>
#include <utility>

namespace parley {

static_assert(record_tag_bytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

struct aead::state {
    cipher with;
    secret_array<cipher_key_bytes> key; // of ChaCha20-Poly1305; the other two are in the contexts
    mbedtls_gcm_context gcm;
    mbedtls_ccm_context ccm;

    explicit state(cipher c) noexcept : with(c)
    {
        mbedtls_gcm_init(&gcm);
        mbedtls_ccm_init(&ccm);
    }
    ~state()
    {
        mbedtls_gcm_free(&gcm);
        mbedtls_ccm_free(&ccm);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    bool set_key(const byte* bytes) noexcept
    {
        constexpr unsigned key_bits = 8 * cipher_key_bytes;
        switch (with) {
        case cipher::aes_256_gcm:
            return mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, bytes, key_bits) == 0;
        case cipher::aes_256_ccm:
            return mbedtls_ccm_setkey(&ccm, MBEDTLS_CIPHER_ID_AES, bytes, key_bits) == 0;
        case cipher::chacha20_poly1305:
            std::copy_n(bytes, cipher_key_bytes, key.data());
            return true;
        }
        return false;
    }
};

aead::aead(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
aead::aead(aead&&) noexcept = default;
aead& aead::operator=(aead&&) noexcept = default;
aead::~aead() = default;

result<aead> aead::create(cipher c, std::size_t, const direction_key& key) noexcept
{
    std::unique_ptr<state> made{new (std::nothrow) state{c}};
    if (!made || !made->set_key(key.data())) return errc::crypto_unavailable;
    return aead{std::move(made)};
}

bool aead::seal(bytes_view nonce, bytes_view associated, bytes_view content, byte* ciphertext,
                byte* tag) noexcept
{
    switch (state_->with) {
    case cipher::aes_256_gcm:
        return mbedtls_gcm_crypt_and_tag(&state_->gcm, MBEDTLS_GCM_ENCRYPT, content.size(), nonce.data(),
                                         nonce.size(), associated.data(), associated.size(), content.data(),
                                         ciphertext, record_tag_bytes, tag) == 0;
    case cipher::aes_256_ccm:
        return mbedtls_ccm_encrypt_and_tag(&state_->ccm, content.size(), nonce.data(), nonce.size(),
                                           associated.data(), associated.size(), content.data(), ciphertext,
                                           tag, record_tag_bytes) == 0;
    case cipher::chacha20_poly1305:
        return crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                   ciphertext, tag, nullptr, content.data(), content.size(), associated.data(),
                   associated.size(), nullptr, nonce.data(), state_->key.data()) == 0;
    }
    return false;
}

error_code aead::open(bytes_view nonce, bytes_view associated, bytes_view ciphertext, bytes_view tag,
                      byte* content) noexcept
{
    const auto outcome = [](int status, int forged) -> error_code {
        if (status == 0) return {};
        return status == forged ? errc::record_forged : errc::crypto_unavailable;
    };
    switch (state_->with) {
    case cipher::aes_256_gcm:
        return outcome(mbedtls_gcm_auth_decrypt(&state_->gcm, ciphertext.size(), nonce.data(), nonce.size(),
                                                associated.data(), associated.size(), tag.data(), tag.size(),
                                                ciphertext.data(), content),
                       MBEDTLS_ERR_GCM_AUTH_FAILED);
    case cipher::aes_256_ccm:
        return outcome(mbedtls_ccm_auth_decrypt(&state_->ccm, ciphertext.size(), nonce.data(), nonce.size(),
                                                associated.data(), associated.size(), ciphertext.data(),
                                                content, tag.data(), tag.size()),
                       MBEDTLS_ERR_CCM_AUTH_FAILED);
    case cipher::chacha20_poly1305:
        return outcome(crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                           content, nullptr, ciphertext.data(), ciphertext.size(), tag.data(),
                           associated.data(), associated.size(), nonce.data(), state_->key.data()),
                       -1);
    }
    return errc::crypto_unavailable;
}

bool aead::set_key(const direction_key& key) noexcept
{
    return state_->set_key(key.data());
}

} // namespace parley
