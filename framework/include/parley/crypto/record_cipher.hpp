// Sealing and opening of one record's bytes (PROTOCOL.md section 7); framing and sequence are proto's
// record_stream.
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

// The two nonce layouts in use; peers of one cannot read the other's records.
enum class record_layout : byte {
    current,  // base nonce (12) || u64be sequence: 20 bytes, AES-256-GCM only
    original, // base nonce XOR (4 zero bytes || u64be sequence): 12 bytes
};

// One direction's cipher under one key and layout, without state of its own but the key: the caller counts. A
// value without thread safety; its key is wiped on destruction.
class record_cipher {
public:
    // Errors: record_layout_impossible (current with anything but AES-256-GCM), crypto_unavailable.
    static result<record_cipher> create(cipher c, record_layout layout, const spoke_key& key) noexcept;
    record_cipher(record_cipher&&) noexcept;
    record_cipher& operator=(record_cipher&&) noexcept;
    ~record_cipher();

    // Writes the record of `content` (0..0x7fff bytes) with number `sequence` to `out`, which has room for
    // content.size()
    // + 18 bytes and does not overlap it. Returns its size, content.size() + 18. Errors: record_too_long,
    // record_sequence_exhausted (above 2^63-1).
    result<std::size_t> seal(std::uint64_t sequence, bytes_view content, mutable_bytes out) noexcept;

    // Opens `ciphertext_and_tag` (n + 16 bytes, what follows the length field) to `out`, which has room for n
    // bytes; `out` may be the very start of the input. Returns n. On error `out` holds zeros, and nothing of
    // the content. Errors: record_forged, record_too_long, record_sequence_exhausted.
    result<std::size_t> open(std::uint64_t sequence, bytes_view ciphertext_and_tag,
                             mutable_bytes out) noexcept;

private:
    struct state;
    explicit record_cipher(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
