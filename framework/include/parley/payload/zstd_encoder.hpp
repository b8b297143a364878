// Encodes the content of files as frames of Zstandard (RFC 8878; SESSION2.md section 8).
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include <memory>

namespace parley {

// Writes one frame after another, with windows of at most 8 MiB and without dictionaries. Not thread-safe.
class zstd_encoder {
public:
    // Looks for hardly anything that repeats: little slower than a copy. Between it and 1, levels are faster and compress less.
    static constexpr int stored = -131072;

    // `level` is `stored` to 19; others are taken as the nearest. With `threads` above 0, so many threads (at most 8) encode
    // frames that are begun after it, and need up to 8 MiB each.
    explicit zstd_encoder(int level, unsigned threads = 0);
    zstd_encoder(zstd_encoder&&) noexcept;
    zstd_encoder& operator=(zstd_encoder&&) noexcept;
    ~zstd_encoder();

    // Another level. With threads it holds within a frame, too; without, from the next frame on.
    void set_level(int level) noexcept;
    // A frame of `size` bytes of content begins; 2^64 - 1 means that nobody knows how many. Errors:
    // not_enough_memory of boost::system::errc.
    error_code begin(std::uint64_t size) noexcept;
    // Takes content from the front of `content` and writes to `out`, which is not empty. Returns the number of bytes
    // written. If it filled `out`, there may be more without further content. Errors: invalid_argument of
    // boost::system::errc when the content is not of the size that was said.
    result<std::size_t> encode(bytes_view& content, mutable_bytes out) noexcept;
    struct ending {
        std::size_t made = 0; // bytes written
        bool complete = false;
    };
    // Writes the rest of the frame. Call it until it is complete. Errors: those of encode().
    result<ending> finish(mutable_bytes out) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
