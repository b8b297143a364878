// One zlib stream after another, undone through buffers that the caller owns.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

// Keeps about 40 KiB, taken once. Not thread-safe.
class inflater {
public:
    enum class status {
        more,  // all of the input was taken, or all of the output filled
        ended, // the stream's own checksum has come and is right; what is left of the input belongs to what
               // follows
        bad,   // not a zlib stream, or one that needs a dictionary; also when memory ran out
    };
    struct progress {
        status state = status::more;
        std::size_t taken = 0; // bytes of the input
        std::size_t made = 0;  // bytes of the output
    };

    inflater();
    inflater(inflater&&) noexcept;
    inflater& operator=(inflater&&) noexcept;
    ~inflater();

    // Begins another stream.
    void reset() noexcept;
    // Inflates from `in` into `out`, which is not empty. When it filled `out` completely there may be more to
    // come without further input.
    progress step(bytes_view in, mutable_bytes out) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
