// SHA-1, which the payload's format demands (PROTOCOL.md section 8): object ids and the trailer. It
// authenticates nothing.
#pragma once

#include <parley/base/bytes.hpp>

#include <memory>

namespace parley {

inline constexpr std::size_t sha1_bytes = 20;
using sha1_digest = std::array<byte, sha1_bytes>;

// An incremental SHA-1. A value; not thread-safe.
class sha1 {
public:
    sha1();
    sha1(sha1&&) noexcept;
    sha1& operator=(sha1&&) noexcept;
    ~sha1();

    void update(bytes_view bytes) noexcept;
    void update(std::string_view text) noexcept { update(as_bytes(text)); }
    // Updates two hashes, each with bytes of its own: on processors with SHA instructions in little more than
    // the time of the longer. They are not the same hash.
    static void update_both(sha1& first, bytes_view detected_protocol, sha1& second,
                            bytes_view second_bytes) noexcept;
    // The digest of all that came since the start or the last finish(); starts anew.
    sha1_digest finish() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
