// The library that undoes deflate (RFC 1951): ISA-L, or zlib where that is not at hand.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

// One raw deflate stream after another. Some 90 KiB, taken once. Not thread-safe.
class raw_inflate {
public:
    enum class status { more, ended, bad };
    struct progress {
        status state = status::more;
        std::size_t made = 0; // bytes of the output
    };

    raw_inflate() noexcept;
    raw_inflate(raw_inflate&&) noexcept;
    raw_inflate& operator=(raw_inflate&&) noexcept;
    ~raw_inflate();

    // Begins another stream, whose first bytes may refer back to `window`, at most 32 KiB. Whether it could.
    bool restart(bytes_view window) noexcept;
    // Takes bytes from the front of `in` and makes bytes at `out`. At the end of the stream `in` grows
    // backwards by what was read ahead.
    progress step(bytes_view& in, mutable_bytes out) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
