// Decodes the content of files that travel as frames of Zstandard (RFC 8878; SESSION2.md section 8).
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include <limits>
#include <memory>
#include <string_view>

namespace parley {

inline constexpr std::uint64_t max_zstd_window_bytes = std::uint64_t{1} << 23;

// Decodes one frame after another, each in any split. A frame is no skippable one, needs no dictionary and no window
// above 8 MiB, and nothing follows it. Memory: 128 KiB, and up to 9 MiB more for the largest window. Not
// thread-safe.
class zstd_decoder {
public:
    zstd_decoder();
    zstd_decoder(zstd_decoder&&) noexcept;
    zstd_decoder& operator=(zstd_decoder&&) noexcept;
    ~zstd_decoder();

    // A frame of `due` bytes of content begins; 2^64 - 1 means that nobody knows how many.
    void begin(std::uint64_t due) noexcept;
    // Takes bytes from the front of `input`, and returns the next content, valid until the next call. Empty when it
    // needs more input. Decodes at most one byte more than is due, for the caller to see. Errors:
    // document_rule_broken, and problem() says why; not_enough_memory of boost::system::errc. After an error every
    // call before begin() returns it.
    result<bytes_view> decode(bytes_view& input) noexcept;
    // Whether the frame has ended.
    bool is_complete() const noexcept;
    // Says in a few words what is wrong with the frame.
    std::string_view problem() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
