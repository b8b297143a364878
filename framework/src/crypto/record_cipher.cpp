#include <parley/crypto/record_cipher.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <new>
#include <utility>

namespace parley {

namespace {

constexpr std::size_t sequence_bytes = 8;
constexpr std::size_t max_aad_bytes = 4;

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

// The record layer bounds every length below 2^17.
int length_of(bytes_view bytes) noexcept
{
    return static_cast<int>(bytes.size());
}

// The length field of a record.
void store_length(byte* out, record_layout layout, std::size_t content_bytes) noexcept
{
    if (layout == record_layout::session2) *out++ = static_cast<byte>(content_bytes >> 16);
    store_be(out, static_cast<std::uint16_t>(content_bytes));
}

} // namespace

struct record_cipher::state {
    enum class direction { seal, open };

    EVP_CIPHER* implementation = nullptr;
    record_layout layout = record_layout::current;
    bool is_ccm = false;
    direction_key key;
    // Most owners use only one of the two contexts, so each is made at its first use.
    context_ptr sealing, opening;

    // What goes before the bytes of one record.
    struct record_start {
        secret_array<base_nonce_bytes + sequence_bytes> nonce;
        std::array<byte, max_aad_bytes> aad;
        std::size_t aad_bytes;
    };

    std::size_t nonce_bytes() const noexcept
    {
        return layout == record_layout::current ? base_nonce_bytes + sequence_bytes : base_nonce_bytes;
    }

    record_start start_of(std::uint64_t sequence, std::size_t content_bytes) const noexcept
    {
        record_start out{};
        std::copy_n(key.data() + cipher_key_bytes, base_nonce_bytes, out.nonce.data());
        std::array<byte, sequence_bytes> number{};
        store_be(number.data(), sequence);
        if (layout == record_layout::current) {
            std::copy(number.begin(), number.end(), out.nonce.data() + base_nonce_bytes);
        } else {
            byte* const low = out.nonce.data() + base_nonce_bytes - sequence_bytes;
            for (std::size_t i = 0; i < sequence_bytes; ++i) low[i] = static_cast<byte>(low[i] ^ number[i]);
        }
        // The associated data of version 1 begins with a number of its own.
        const bool is_version_2 = layout == record_layout::session2;
        if (!is_version_2) store_be(out.aad.data(), std::uint16_t{1});
        store_length(out.aad.data() + (is_version_2 ? 0 : 2), layout, content_bytes);
        out.aad_bytes = is_version_2 ? session2_record_header_bytes : max_aad_bytes;
        return out;
    }

    // The keyed context of a direction: a record needs no key schedule. Null when OpenSSL refuses.
    EVP_CIPHER_CTX* context(direction d) noexcept
    {
        context_ptr& kept = d == direction::seal ? sealing : opening;
        if (kept) return kept.get();
        const int encrypt = d == direction::seal ? 1 : 0;
        context_ptr made{EVP_CIPHER_CTX_new()};
        if (!made || EVP_CipherInit_ex2(made.get(), implementation, nullptr, nullptr, encrypt, nullptr) != 1)
            return nullptr;
        const auto length = static_cast<int>(nonce_bytes());
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

    // Sets nonce, lengths and associated data of a record, in the order that suits every mode.
    bool begin(EVP_CIPHER_CTX* context, const record_start& start, std::size_t content_bytes) const noexcept
    {
        int written = 0;
        if (EVP_CipherInit_ex2(context, nullptr, nullptr, start.nonce.data(), -1, nullptr) != 1) return false;
        if (is_ccm &&
            EVP_CipherUpdate(context, nullptr, &written, nullptr, static_cast<int>(content_bytes)) != 1)
            return false;
        return EVP_CipherUpdate(context, nullptr, &written, start.aad.data(),
                                static_cast<int>(start.aad_bytes)) == 1;
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

    bool seal(std::uint64_t sequence, bytes_view content, byte* ciphertext, byte* tag) noexcept
    {
        const quiet_errors quiet;
        EVP_CIPHER_CTX* const with = context(direction::seal);
        return with != nullptr && begin(with, start_of(sequence, content.size()), content.size()) &&
               transform(with, content, ciphertext) && finish(with) &&
               EVP_CIPHER_CTX_ctrl(with, EVP_CTRL_AEAD_GET_TAG, record_tag_bytes, tag) == 1;
    }

    error_code open(std::uint64_t sequence, bytes_view ciphertext, bytes_view tag, byte* content) noexcept
    {
        const quiet_errors quiet;
        EVP_CIPHER_CTX* const with = context(direction::open);
        if (with == nullptr) return errc::crypto_unavailable;
        std::array<byte, record_tag_bytes> expected{};
        std::copy(tag.begin(), tag.end(), expected.begin());
        if (EVP_CIPHER_CTX_ctrl(with, EVP_CTRL_AEAD_SET_TAG, record_tag_bytes, expected.data()) != 1 ||
            !begin(with, start_of(sequence, ciphertext.size()), ciphertext.size()))
            return errc::crypto_unavailable;
        if (!transform(with, ciphertext, content) || !finish(with)) return errc::record_forged;
        return {};
    }
};

record_cipher::record_cipher(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
record_cipher::record_cipher(record_cipher&&) noexcept = default;
record_cipher& record_cipher::operator=(record_cipher&&) noexcept = default;
record_cipher::~record_cipher() = default;

result<record_cipher> record_cipher::create(cipher c, record_layout layout, const spoke_key& key) noexcept
{
    return create(c, layout, direction_key{key.view().first<direction_key_bytes>()});
}

result<record_cipher> record_cipher::create(cipher c, record_layout layout, const direction_key& key) noexcept
{
    if ((layout == record_layout::current && c != cipher::aes_256_gcm) ||
        (layout == record_layout::session2 && c == cipher::aes_256_ccm))
        return errc::record_layout_impossible;
    std::unique_ptr<state> made{new (std::nothrow) state};
    const quiet_errors quiet;
    if (!made || (made->implementation = implementation_of(c)) == nullptr) return errc::crypto_unavailable;
    made->layout = layout;
    made->is_ccm = c == cipher::aes_256_ccm;
    made->key = key.duplicate();
    return record_cipher{std::move(made)};
}

result<std::size_t> record_cipher::seal(std::uint64_t sequence, bytes_view content,
                                        mutable_bytes out) noexcept
{
    const record_layout layout = state_ ? state_->layout : record_layout::original;
    const std::size_t header = header_bytes_of(layout);
    const std::size_t size = header + content.size() + record_tag_bytes;
    if (content.size() > max_content_bytes_of(layout) || out.size() < size) return errc::record_too_long;
    if (sequence > max_record_sequence) return errc::record_sequence_exhausted;
    store_length(out.data(), layout, content.size());
    byte* const ciphertext = out.data() + header;
    if (!state_ || !state_->seal(sequence, content, ciphertext, ciphertext + content.size())) {
        wipe(out.first(size));
        return errc::crypto_unavailable;
    }
    return size;
}

result<std::size_t> record_cipher::open(std::uint64_t sequence, bytes_view ciphertext_and_tag,
                                        mutable_bytes out) noexcept
{
    const std::size_t n = ciphertext_and_tag.size() - std::min(ciphertext_and_tag.size(), record_tag_bytes);
    error_code failed;
    if (ciphertext_and_tag.size() < record_tag_bytes)
        failed = errc::record_forged;
    else if (n > max_content_bytes_of(state_ ? state_->layout : record_layout::original) || n > out.size())
        failed = errc::record_too_long;
    else if (sequence > max_record_sequence)
        failed = errc::record_sequence_exhausted;
    else if (!state_)
        failed = errc::crypto_unavailable;
    else
        failed =
            state_->open(sequence, ciphertext_and_tag.first(n), ciphertext_and_tag.subspan(n), out.data());
    if (!failed) return n;
    // The modes decrypt before they know whether the tag is right.
    wipe(out.first(std::min(n, out.size())));
    return failed;
}

void record_cipher::rekey() noexcept
{
    if (!state_) return;
    state_->key = next_direction_key(state_->key);
    // OpenSSL wipes what it has of the old key.
    state_->sealing.reset();
    state_->opening.reset();
}

} // namespace parley
