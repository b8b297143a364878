// Sealing and opening of one record, of version 1 (PROTOCOL.md section 7) or 2 (SESSION2.md section 3) of the
// session. record_stream.hpp and session2_records.hpp do framing and sequence numbers.
//
//     version 1    record = u16be n || ciphertext (n) || tag (16)        aad = u16be 1 || u16be n
//     version 2    record = u24be n || ciphertext (n) || tag (16)        aad = u24be n
#pragma once

#include <parley/crypto/spoke.hpp>

#include <memory>

namespace parley {

inline constexpr std::size_t record_header_bytes = 2;
inline constexpr std::size_t record_tag_bytes = 16;
inline constexpr std::size_t max_record_content_bytes = 0x7fff;
inline constexpr std::size_t max_record_bytes =
    record_header_bytes + max_record_content_bytes + record_tag_bytes;
inline constexpr std::uint64_t max_record_sequence = 0x7fff'ffff'ffff'ffff;

// In version 2 the content is the type of the record and up to 65536 bytes.
inline constexpr std::size_t session2_record_header_bytes = 3;
inline constexpr std::size_t max_session2_record_content_bytes = 65537;
inline constexpr std::size_t max_session2_record_bytes =
    session2_record_header_bytes + max_session2_record_content_bytes + record_tag_bytes;

// The two nonce layouts of version 1, and that of version 2. A peer of one layout cannot read records of
// another.
enum class record_layout : byte {
    current,  // base nonce (12) || u64be sequence: 20 bytes, AES-256-GCM only
    original, // base nonce XOR (4 zero bytes || u64be sequence): 12 bytes
    session2, // the same, for AES-256-GCM and ChaCha20-Poly1305, and records of version 2
};
constexpr std::size_t header_bytes_of(record_layout layout) noexcept
{
    return layout == record_layout::session2 ? session2_record_header_bytes : record_header_bytes;
}
constexpr std::size_t max_content_bytes_of(record_layout layout) noexcept
{
    return layout == record_layout::session2 ? max_session2_record_content_bytes : max_record_content_bytes;
}

// The nonce of record `sequence` in the layouts `original` and `session2`.
std::array<byte, base_nonce_bytes> record_nonce(const direction_key& key, std::uint64_t sequence) noexcept;

// The cipher of one direction under one key and layout. It keeps no sequence number: the caller counts. The
// key is wiped on destruction. Not thread-safe.
class record_cipher {
public:
    // Errors: record_layout_impossible (`current` with a cipher other than AES-256-GCM, `session2` with
    // AES-256-CCM), crypto_unavailable.
    static result<record_cipher> create(cipher c, record_layout layout, const direction_key& key) noexcept;
    static result<record_cipher> create(cipher c, record_layout layout, const spoke_key& key) noexcept;
    record_cipher(record_cipher&&) noexcept;
    record_cipher& operator=(record_cipher&&) noexcept;
    ~record_cipher();

    // Writes the record of `content` with number `sequence` to `out`. `content` has at most
    // max_content_bytes_of(layout) bytes. `out` has room for them, the header and the tag; it does not
    // overlap `content`, but `content` may stand where its ciphertext goes, after the header. Returns the
    // size of the record. Errors: record_too_long (also when `out` is too small), record_sequence_exhausted
    // (above 2^63-1), crypto_unavailable.
    result<std::size_t> seal(std::uint64_t sequence, bytes_view content, mutable_bytes out) noexcept;

    // Opens `ciphertext_and_tag`, the n + 16 bytes after the length field, into `out`, which has room for n
    // bytes. `out` may begin where the input begins. Returns n. On an error `out` holds zeros and nothing of
    // the content. Errors: record_forged, record_too_long, record_sequence_exhausted, crypto_unavailable.
    result<std::size_t> open(std::uint64_t sequence, bytes_view ciphertext_and_tag,
                             mutable_bytes out) noexcept;

    // Puts the next key of SESSION2.md section 3 in the place of this one, which is erased.
    void rekey() noexcept;

private:
    struct state;
    explicit record_cipher(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
