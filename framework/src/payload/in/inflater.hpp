// Inflates one zlib stream after another. Deflated content goes through a buffer of the caller. Stored
// content is handed on where it is in the input.
#pragma once

#include "payload/in/raw_inflate.hpp"

#include <parley/base/bytes.hpp>

#include <array>
#include <memory>
#include <optional>

namespace parley {

// Reads zlib streams (RFC 1950). Memory: about 90 KiB once something was deflated, and 64 KiB once stored
// blocks came before others. Not thread-safe.
class inflater {
public:
    enum class status {
        more,  // took all of the input, or filled the output, or has stored bytes
        ended, // the stream's checksum has arrived and is correct; the rest of the input follows the stream
        bad,   // not a zlib stream, or one that needs a dictionary; also when memory ran out
    };
    struct progress {
        status state = status::more;
        std::size_t made = 0; // bytes of the output
        bytes_view stored;    // the next bytes of the content, inside the input; then nothing was made
    };

    // Begins another stream.
    void reset() noexcept;
    // Takes bytes from the front of `in` and inflates into `out`, which is not empty. If it filled `out` or
    // found stored bytes, there may be more without further input. At the end of deflated data `in` may grow
    // backwards by the bytes that were read ahead, but not beyond the beginning of the input of the first
    // step after reset() or keep().
    progress step(bytes_view& in, mutable_bytes out) noexcept;
    // Call this before the bytes given to step() become invalid: it copies what later content may refer to.
    void keep() noexcept;

private:
    enum class phase { header, block, stored_header, stored_data, deflated, checksum, ended, bad };

    bool take_small(bytes_view& in, std::size_t wanted) noexcept;
    bool take_zlib_header() noexcept;
    bool take_stored_header() noexcept;
    progress inflate_some(bytes_view& in, mutable_bytes out) noexcept;
    bool start_engine() noexcept;
    void remember(bytes_view stored) noexcept;
    progress fail() noexcept;

    static constexpr std::size_t window_bytes = 32 * 1024;

    phase phase_ = phase::header;
    std::uint32_t adler_ = 1;
    std::uint32_t block_left_ = 0; // of the stored block
    bool last_block_ = false;
    std::array<byte, 5> small_{}; // the part of a header or checksum that has arrived
    std::size_t small_bytes_ = 0;
    bytes_view recent_; // stored bytes of this input that are not in the window yet
    std::unique_ptr<byte[]> window_;
    std::size_t window_filled_ = 0;
    std::optional<raw_inflate> engine_;
};

} // namespace parley
