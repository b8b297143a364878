#include "crypto/aead.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <new>
#include <utility>

namespace parley {

namespace {

struct free_context {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using context_ptr = std::unique_ptr<EVP_CIPHER_CTX, free_context>;

// Drops the errors that OpenSSL queues on this thread. Otherwise a forged record would look like a failure of
// the next TLS call.
class quiet_errors {
public:
    quiet_errors() noexcept { ERR_set_mark(); }
    ~quiet_errors() { ERR_pop_to_mark(); }
    quiet_errors(const quiet_errors&) = delete;
    quiet_errors& operator=(const quiet_errors&) = delete;
};

// OpenSSL's implementation, looked up once in the life of the program. Null when it has none.
EVP_CIPHER* implementation_of(cipher c) noexcept
{
    static EVP_CIPHER* const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    static EVP_CIPHER* const ccm = EVP_CIPHER_fetch(nullptr, "AES-256-CCM", nullptr);
    static EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    switch (c) {
    case cipher::aes_256_gcm:
        return gcm;
    case cipher::aes_256_ccm:
        return ccm;
    case cipher::chacha20_poly1305:
        return chacha;
    }
    return nullptr;
}

int length_of(bytes_view bytes) noexcept
{
    return static_cast<int>(bytes.size());
}

} // namespace

struct aead::state {
    enum class direction { seal, open };

    EVP_CIPHER* implementation = nullptr;
    std::size_t nonce_bytes = 0;
    bool is_ccm = false;
    direction_key key;
    // Most owners use only one of the two contexts, so each is made at its first use.
    context_ptr sealing, opening;

    // The keyed context of a direction: a record needs no key schedule. Null when OpenSSL refuses.
    EVP_CIPHER_CTX* context(direction d) noexcept
    {
        context_ptr& kept = d == direction::seal ? sealing : opening;
        if (kept) return kept.get();
        const int encrypt = d == direction::seal ? 1 : 0;
        context_ptr made{EVP_CIPHER_CTX_new()};
        if (!made || EVP_CipherInit_ex2(made.get(), implementation, nullptr, nullptr, encrypt, nullptr) != 1)
            return nullptr;
        const auto length = static_cast<int>(nonce_bytes);
        if (EVP_CIPHER_CTX_ctrl(made.get(), EVP_CTRL_AEAD_SET_IVLEN, length, nullptr) != 1) return nullptr;
        // CCM mixes the tag's length into its first block, so it must know the length before the key, in both
        // directions.
        if (is_ccm && EVP_CIPHER_CTX_ctrl(made.get(), EVP_CTRL_AEAD_SET_TAG, record_tag_bytes, nullptr) != 1)
            return nullptr;
        if (EVP_CipherInit_ex2(made.get(), nullptr, key.data(), nullptr, encrypt, nullptr) != 1)
            return nullptr;
        kept = std::move(made);
        return kept.get();
    }

    // Sets nonce, lengths and associated data, in the order that suits every mode.
    bool begin(EVP_CIPHER_CTX* context, bytes_view nonce, bytes_view associated,
               bytes_view content) const noexcept
    {
        int written = 0;
        if (EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1, nullptr) != 1) return false;
        if (is_ccm && EVP_CipherUpdate(context, nullptr, &written, nullptr, length_of(content)) != 1)
            return false;
        return EVP_CipherUpdate(context, nullptr, &written, associated.data(), length_of(associated)) == 1;
    }

    // CCM does all its work and checks the tag in this one update. It needs the call even for no bytes.
    bool transform(EVP_CIPHER_CTX* context, bytes_view in, byte* out) const noexcept
    {
        static constexpr byte nothing = 0;
        byte unused = 0;
        int written = 0;
        return EVP_CipherUpdate(context, in.empty() ? &unused : out, &written,
                                in.empty() ? &nothing : in.data(), length_of(in)) == 1;
    }

    bool finish(EVP_CIPHER_CTX* context) const noexcept
    {
        std::array<byte, EVP_MAX_BLOCK_LENGTH> none{};
        int written = 0;
        return is_ccm || EVP_CipherFinal_ex(context, none.data(), &written) == 1;
    }
};

aead::aead(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
aead::aead(aead&&) noexcept = default;
aead& aead::operator=(aead&&) noexcept = default;
aead::~aead() = default;

result<aead> aead::create(cipher c, std::size_t nonce_bytes, const direction_key& key) noexcept
{
    std::unique_ptr<state> made{new (std::nothrow) state};
    const quiet_errors quiet;
    if (!made || (made->implementation = implementation_of(c)) == nullptr) return errc::crypto_unavailable;
    made->nonce_bytes = nonce_bytes;
    made->is_ccm = c == cipher::aes_256_ccm;
    made->key = key.duplicate();
    return aead{std::move(made)};
}

bool aead::seal(bytes_view nonce, bytes_view associated, bytes_view content, byte* ciphertext,
                byte* tag) noexcept
{
    const quiet_errors quiet;
    EVP_CIPHER_CTX* const with = state_->context(state::direction::seal);
    return with != nullptr && state_->begin(with, nonce, associated, content) &&
           state_->transform(with, content, ciphertext) && state_->finish(with) &&
           EVP_CIPHER_CTX_ctrl(with, EVP_CTRL_AEAD_GET_TAG, record_tag_bytes, tag) == 1;
}

error_code aead::open(bytes_view nonce, bytes_view associated, bytes_view ciphertext, bytes_view tag,
                      byte* content) noexcept
{
    const quiet_errors quiet;
    EVP_CIPHER_CTX* const with = state_->context(state::direction::open);
    if (with == nullptr) return errc::crypto_unavailable;
    std::array<byte, record_tag_bytes> expected{};
    std::copy(tag.begin(), tag.end(), expected.begin());
    if (EVP_CIPHER_CTX_ctrl(with, EVP_CTRL_AEAD_SET_TAG, record_tag_bytes, expected.data()) != 1 ||
        !state_->begin(with, nonce, associated, ciphertext))
        return errc::crypto_unavailable;
    if (!state_->transform(with, ciphertext, content) || !state_->finish(with)) return errc::record_forged;
    return {};
}

bool aead::set_key(const direction_key& key) noexcept
{
    state_->key = key.duplicate();
    // OpenSSL wipes what it has of the old key.
    state_->sealing.reset();
    state_->opening.reset();
    return true;
}

} // namespace parley
