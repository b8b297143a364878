// The libraries that deflate (RFC 1951): ISA-L up to level 5, zlib above. zlib does all levels where ISA-L is
// missing.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

// One raw deflate stream after another. Not thread-safe.
class deflate_engine {
public:
    enum class flush {
        none,
        sync,   // all input so far comes out and ends at a byte boundary
        finish, // the stream ends here
    };

    // `level` is 1..9. Null when memory runs out.
    static std::unique_ptr<deflate_engine> create(int level) noexcept;
    virtual ~deflate_engine() = default;

    // Begins another stream and drops what the last one still held. The stream may refer back to `window`,
    // the bytes before its first one (at most 32 KiB).
    virtual void restart(bytes_view window) noexcept = 0;
    // Takes bytes from the front of `in` and puts bytes at the front of `out`, until one of them is empty.
    // Returns whether everything that the flush asks for is out. Until then, ask for the same flush again.
    virtual bool step(bytes_view& in, mutable_bytes& out, flush how) noexcept = 0;
};

// The engines.
std::unique_ptr<deflate_engine> make_zlib_engine(int level) noexcept;
std::unique_ptr<deflate_engine> make_isal_engine(int level) noexcept; // 1..5

} // namespace parley
