// Encoding and decoding of the head of a pack and of each entry's header (PROTOCOL.md section 8). Nothing
// here allocates.
//
//     head   = "PACK" || u32be 2 || u32be number of entries                                  12 bytes
//     entry  = header || [base] || zlib stream
//     header = kind in bits 4..6 of the first byte, size in its low four bits, then seven
//              bits a byte, least significant first; bit 7: another byte follows             1..10 bytes
//     base   = kind 6: distance back to the base entry's first byte, most significant seven
//              bits first, each further byte adding one before the shift                     1..10 bytes
//              kind 7: the base's object id                                                  20 bytes
#pragma once

#include "payload/format/object_id.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

namespace parley {

inline constexpr std::size_t pack_head_bytes = 12;
inline constexpr std::size_t pack_trailer_bytes = sha1_bytes;
inline constexpr std::size_t max_entry_header_bytes = 10;
inline constexpr std::size_t max_base_distance_bytes = 10;

// The 12 bytes that begin a pack of `entries` entries.
std::array<byte, pack_head_bytes> encode_pack_head(std::uint32_t entries) noexcept;

// Reads the number of entries in `head`. Errors: pack_bad_signature, pack_bad_version.
struct pack_head {
    error_code error;
    std::uint32_t entries = 0;
};
pack_head decode_pack_head(std::span<const byte, pack_head_bytes> head) noexcept;

// Writes an entry's header to `out`, which has room for max_entry_header_bytes. Returns its length.
std::size_t encode_entry_header(pack_entry_kind kind, std::uint64_t size, byte* out) noexcept;

// Writes the distance (at least 1) from an offset delta back to its base to `out`, which has room for
// max_base_distance_bytes. Returns its length.
std::size_t encode_base_distance(std::uint64_t distance, byte* out) noexcept;

// The fields before an entry's zlib stream.
struct entry_header {
    pack_entry_kind kind = pack_entry_kind::file;
    std::uint64_t size = 0;          // of the inflated bytes: for a delta, of its instructions
    std::uint64_t base_distance = 0; // of an offset delta; at least 1
    object_id base_id{};             // of a reference delta
};

// Reads one entry's header and base, a byte at a time.
class entry_header_parser {
public:
    enum class status { more, done, bad };

    // Takes the next byte. After `done`, header() is valid until the next push(), which begins another
    // header. `bad` means an unknown kind, a size or distance above 64 bits, or a distance of 0.
    status push(byte b) noexcept;
    const entry_header& header() const noexcept { return header_; }

private:
    enum class state { kind, size, distance, base_id };
    status after_size() noexcept;

    entry_header header_;
    state state_ = state::kind;
    unsigned shift_ = 0; // bits of the size read so far, or bytes of the base
};

} // namespace parley
