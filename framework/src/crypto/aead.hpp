// The AEAD ciphers of records, in the library that PARLEY_CRYPTO_BACKEND chose: aead_openssl.cpp or
// aead_mbedtls.cpp.
#pragma once

#include <parley/crypto/record_cipher.hpp>

namespace parley {

// One cipher under one key. Keeps and wipes a copy of the key. Nonces have the length that create() was told,
// and less than 2^17 bytes are sealed or opened at a time. Not thread-safe.
class aead {
public:
    // Errors: crypto_unavailable (the library lacks the cipher, or memory ran out).
    static result<aead> create(cipher c, std::size_t nonce_bytes, const direction_key& key) noexcept;
    aead(aead&&) noexcept;
    aead& operator=(aead&&) noexcept;
    ~aead();

    // Writes the ciphertext of `content`, which is as long, and the tag of record_tag_bytes. The ciphertext
    // may go where the content stands. Returns whether the library did it.
    bool seal(bytes_view nonce, bytes_view associated, bytes_view content, byte* ciphertext,
              byte* tag) noexcept;
    // Writes the content, which may go where the ciphertext stands. On an error it may hold anything. Errors:
    // record_forged, crypto_unavailable.
    error_code open(bytes_view nonce, bytes_view associated, bytes_view ciphertext, bytes_view tag,
                    byte* content) noexcept;
    // Goes on with another key, as far as the library can: whether it could.
    bool set_key(const direction_key& key) noexcept;

private:
    struct state;
    explicit aead(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
