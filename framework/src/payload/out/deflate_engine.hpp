// The libraries that deflate (RFC 1951): ISA-L up to level 5, zlib above and where ISA-L is not at hand.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

// One raw deflate stream after another. Not thread-safe.
class deflate_engine {
public:
    enum class flush {
        none,
        sync,   // up to here all comes out, and ends at a whole byte
        finish, // the stream ends here
    };

    // `level` is 1..9. Null when memory runs out.
    static std::unique_ptr<deflate_engine> create(int level) noexcept;
    virtual ~deflate_engine() = default;

    // Begins another stream; what the one before still held is dropped. `window` are the bytes before its
    // first one to which it may refer back, at most 32 KiB.
    virtual void restart(bytes_view window) noexcept = 0;
    // Takes bytes from the front of `in` and puts bytes at the front of `out`, until one of them is empty.
    // Whether all that the flush asks for is out; the same flush is asked for until then.
    virtual bool step(bytes_view& in, mutable_bytes& out, flush how) noexcept = 0;
};

// The engines there are.
std::unique_ptr<deflate_engine> make_zlib_engine(int level) noexcept;
std::unique_ptr<deflate_engine> make_isal_engine(int level) noexcept; // 1..5

} // namespace parley
