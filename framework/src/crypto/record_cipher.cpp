#include <parley/crypto/record_cipher.hpp>

#include "crypto/aead.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace parley {

namespace {

constexpr std::size_t sequence_bytes = 8;
constexpr std::size_t max_aad_bytes = 4;

// The length field of a record.
void store_length(byte* out, record_layout layout, std::size_t content_bytes) noexcept
{
    if (layout == record_layout::session2) *out++ = static_cast<byte>(content_bytes >> 16);
    store_be(out, static_cast<std::uint16_t>(content_bytes));
}

std::size_t nonce_bytes_of(record_layout layout) noexcept
{
    return layout == record_layout::current ? base_nonce_bytes + sequence_bytes : base_nonce_bytes;
}

} // namespace

struct record_cipher::state {
    record_layout layout;
    direction_key key;
    aead with;

    // What goes before the bytes of one record.
    struct record_start {
        secret_array<base_nonce_bytes + sequence_bytes> nonce;
        std::array<byte, max_aad_bytes> aad;
        std::size_t aad_bytes;
    };

    record_start start_of(std::uint64_t sequence, std::size_t content_bytes) const noexcept
    {
        record_start out{};
        if (layout == record_layout::current) {
            std::copy_n(key.data() + cipher_key_bytes, base_nonce_bytes, out.nonce.data());
            store_be(out.nonce.data() + base_nonce_bytes, sequence);
        } else {
            std::ranges::copy(record_nonce(key, sequence), out.nonce.data());
        }
        // The associated data of version 1 begins with a number of its own.
        const bool is_version_2 = layout == record_layout::session2;
        if (!is_version_2) store_be(out.aad.data(), std::uint16_t{1});
        store_length(out.aad.data() + (is_version_2 ? 0 : 2), layout, content_bytes);
        out.aad_bytes = is_version_2 ? session2_record_header_bytes : max_aad_bytes;
        return out;
    }

    bytes_view nonce_of(const record_start& start) const noexcept
    {
        return start.nonce.view().first(nonce_bytes_of(layout));
    }

    bool seal(std::uint64_t sequence, bytes_view content, byte* ciphertext, byte* tag) noexcept
    {
        const record_start start = start_of(sequence, content.size());
        return with.seal(nonce_of(start), bytes_view{start.aad}.first(start.aad_bytes), content, ciphertext,
                         tag);
    }

    error_code open(std::uint64_t sequence, bytes_view ciphertext, bytes_view tag, byte* content) noexcept
    {
        const record_start start = start_of(sequence, ciphertext.size());
        return with.open(nonce_of(start), bytes_view{start.aad}.first(start.aad_bytes), ciphertext, tag,
                         content);
    }
};

std::array<byte, base_nonce_bytes> record_nonce(const direction_key& key, std::uint64_t sequence) noexcept
{
    std::array<byte, base_nonce_bytes> out{};
    store_be(out.data() + base_nonce_bytes - sequence_bytes, sequence);
    const byte* const base = key.data() + cipher_key_bytes;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<byte>(out[i] ^ base[i]);
    return out;
}

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
    auto with = aead::create(c, nonce_bytes_of(layout), key);
    if (!with) return with.error();
    std::unique_ptr<state> made{new (std::nothrow) state{layout, key.duplicate(), std::move(*with)}};
    if (!made) return errc::crypto_unavailable;
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
    if (!state_->with.set_key(state_->key)) state_.reset();
}

} // namespace parley
