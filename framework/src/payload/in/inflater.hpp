// One zlib stream after another, undone: what was deflated goes through a buffer that the caller owns, what
// was only stored is handed on where it stands.
#pragma once

#include "payload/in/raw_inflate.hpp"

#include <parley/base/bytes.hpp>

#include <array>
#include <memory>
#include <optional>

namespace parley {

// Reads zlib streams (RFC 1950). Keeps about 90 KiB once something came deflated, and 64 KiB when stored
// blocks came before others. Not thread-safe.
class inflater {
public:
    enum class status {
        more,  // all of the input was taken, or all of the output filled, or stored bytes are at hand
        ended, // the stream's checksum has arrived and is correct; the rest of the input follows the stream
        bad,   // not a zlib stream, or one that needs a dictionary; also when memory ran out
    };
    struct progress {
        status state = status::more;
        std::size_t made = 0; // bytes of the output
        bytes_view stored; // the next bytes of the content, which stand in the input; then nothing was made
    };

    // Begins another stream.
    void reset() noexcept;
    // Takes bytes from the front of `in` and inflates into `out`, which is not empty. When it filled `out`
    // completely, or found stored bytes, there may be more to come without further input. At the end of what
    // was deflated `in` may grow backwards, by bytes that were read ahead: no further than where the input of
    // the first step after reset() or keep() began.
    progress step(bytes_view& in, mutable_bytes out) noexcept;
    // To be called before the bytes given to step() go away: what later content may refer back to is copied.
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
    std::array<byte, 5> small_{}; // a header or the checksum, as far as it came
    std::size_t small_bytes_ = 0;
    bytes_view recent_; // stored bytes of this input that are not in the window yet
    std::unique_ptr<byte[]> window_;
    std::size_t window_filled_ = 0;
    std::optional<raw_inflate> engine_;
};

} // namespace parley
