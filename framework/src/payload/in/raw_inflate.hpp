// The library that inflates raw deflate streams (RFC 1951): ISA-L, or zlib where ISA-L is missing.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

// Inflates one raw deflate stream after another. Allocates about 90 KiB once. Not thread-safe.
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

    // Begins another stream, which may refer back to `window`, at most 32 KiB. Returns whether it could.
    bool restart(bytes_view window) noexcept;
    // Takes bytes from the front of `in` and writes bytes to `out`. At the end of the stream `in` grows
    // backwards by the bytes that were read ahead.
    progress step(bytes_view& in, mutable_bytes out) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
