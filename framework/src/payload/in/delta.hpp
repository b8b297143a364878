// Reads the instructions of a delta as they arrive (PROTOCOL.md section 8: deltas as Git defines them). Keeps
// no content.
//
//     delta   = varint base size || varint result size || instruction*
//     varint  = seven bits a byte, least significant first; bit 7: another byte follows
//     insert  = 1..127, then that many bytes
//     copy    = 0x80 | which of four offset bytes (bits 0..3) and three size bytes (bits 4..6) follow,
//               then those bytes, least significant first; a size of 0 means 65536
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <string_view>

namespace parley {

// Receives what the parser reads, in order: the sizes once, then the parts of the result. An error ends the
// reading.
class delta_sink {
public:
    virtual ~delta_sink() = default;
    virtual error_code sizes(std::uint64_t base_bytes, std::uint64_t result_bytes) = 0;
    // Append `length` bytes of the base from `offset`. They are inside the announced size of the base, and no
    // more than the result still lacks.
    virtual error_code copy(std::uint64_t offset, std::uint64_t length) = 0;
    virtual error_code insert(bytes_view bytes) = 0;
};

// The parser. Not thread-safe.
class delta_parser {
public:
    // Begins another delta.
    void reset() noexcept { *this = delta_parser(); }

    // Takes the next bytes, in any split. Errors: pack_bad_delta, and the sink's own.
    error_code write(bytes_view in, delta_sink& sink);

    // Call this at the end of the delta. Errors: pack_bad_delta (inside an instruction, or the result is too
    // short).
    error_code finish();

    // What the last pack_bad_delta was about, in a few words.
    std::string_view problem() const noexcept { return problem_; }

private:
    enum class state { base_size, result_size, instruction, arguments, inserting };

    error_code fail(std::string_view problem);
    error_code take_size(byte b, std::uint64_t& size, bool& done);
    error_code take_arguments(bytes_view& in, delta_sink& sink);

    std::uint64_t base_bytes_ = 0;
    std::uint64_t result_left_ = 0;
    std::uint64_t value_ = 0; // of a copy: offset in the low 32 bits, size above them
    unsigned shift_ = 0;      // of a size; of a copy: which argument byte is next
    byte which_ = 0;          // of a copy: its first byte
    std::size_t inserting_ = 0;
    state state_ = state::base_size;
    std::string_view problem_;
};

} // namespace parley
