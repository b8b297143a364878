// What a forwarded connection leads to, and why it may not get there (SESSION2.md section 10).
#pragma once

#include <parley/base/bytes.hpp>

#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t max_forward_host_bytes = 253;

// A target of connections, as the protocol names it.
struct forward_target {
    std::string host; // a name or an address, in lower case and without brackets
    std::uint16_t port = 0;

    // Whether it can be sent: the alphabet and length of the host, and a port that is not 0.
    bool is_valid() const noexcept;
    // "host:port", "[v6]:port". Safe to print when the target is valid.
    std::string text() const;
    friend bool operator==(const forward_target&, const forward_target&) = default;
};

// Why a connection is refused. The value is the byte on the wire; the other side may send any other.
enum class forward_cause : byte {
    not_exposed = 1,
    name_not_found = 2,
    unreachable = 3,
    timed_out = 4,
    limit = 5, // of the exposing side
};
// Words for people: "it is not exposed", …; static storage.
std::string_view to_text(forward_cause cause) noexcept;

} // namespace parley
