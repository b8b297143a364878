// SHA-1 for object ids and the trailer of the payload (PROTOCOL.md section 8). It authenticates nothing.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

inline constexpr std::size_t sha1_bytes = 20;
using sha1_digest = std::array<byte, sha1_bytes>;

// An incremental SHA-1. Not thread-safe.
class sha1 {
public:
    sha1();
    sha1(sha1&&) noexcept;
    sha1& operator=(sha1&&) noexcept;
    ~sha1();

    void update(bytes_view bytes) noexcept;
    void update(std::string_view text) noexcept { update(as_bytes(text)); }
    // Updates two different hashes with separate bytes. On processors with SHA instructions this takes little
    // longer than the longer of the two updates alone.
    static void update_both(sha1& first, bytes_view first_bytes, sha1& second,
                            bytes_view second_bytes) noexcept;
    // Returns the digest of all bytes since construction or the last finish(), and starts again.
    sha1_digest finish() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
