// Sealing and opening of one record (PROTOCOL.md section 7). record_stream.hpp does framing and sequence
// numbers.
//
//     record = u16be n || ciphertext (n) || tag (16)        aad = u16be 1 || u16be n
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

// The two nonce layouts in use. A peer of one layout cannot read records of the other.
enum class record_layout : byte {
    current,  // base nonce (12) || u64be sequence: 20 bytes, AES-256-GCM only
    original, // base nonce XOR (4 zero bytes || u64be sequence): 12 bytes
};

// The cipher of one direction under one key and layout. It keeps no sequence number: the caller counts. The
// key is wiped on destruction. Not thread-safe.
class record_cipher {
public:
    // Errors: record_layout_impossible (`current` with a cipher other than AES-256-GCM), crypto_unavailable.
    static result<record_cipher> create(cipher c, record_layout layout, const spoke_key& key) noexcept;
    record_cipher(record_cipher&&) noexcept;
    record_cipher& operator=(record_cipher&&) noexcept;
    ~record_cipher();

    // Writes the record of `content` (0..0x7fff bytes) with number `sequence` to `out`. `out` has room for
    // content.size() + 18 bytes and does not overlap `content`. Returns the size, content.size() + 18.
    // Errors: record_too_long (also when `out` is too small), record_sequence_exhausted (above 2^63-1),
    // crypto_unavailable.
    result<std::size_t> seal(std::uint64_t sequence, bytes_view content, mutable_bytes out) noexcept;

    // Opens `ciphertext_and_tag`, the n + 16 bytes after the length field, into `out`, which has room for n
    // bytes. `out` may begin where the input begins. Returns n. On an error `out` holds zeros and nothing of
    // the content. Errors: record_forged, record_too_long, record_sequence_exhausted, crypto_unavailable.
    result<std::size_t> open(std::uint64_t sequence, bytes_view ciphertext_and_tag,
                             mutable_bytes out) noexcept;

private:
    struct state;
    explicit record_cipher(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
