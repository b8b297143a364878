// The PROXY protocol header, versions 1 and 2 (haproxy.org, proxy-protocol.txt). A proxy sends it before a
// connection's own bytes to name the client. Private to the framework.
//
//     v1 = "PROXY TCP4 " from " " to " " from_port " " to_port CR LF      at most 107 bytes, CR LF included;
//          "PROXY TCP6 " …; "PROXY UNKNOWN" anything CR LF
//     v2 = signature (12) || 0x2:4 command:4 || family:4 protocol:4 || length u16be || addresses || TLVs
//          command 0 LOCAL, 1 PROXY; family 0 unspecified, 1 IPv4 (12 bytes of addresses), 2 IPv6 (36),
//          3 Unix (216); protocol 1 stream
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

#include <optional>

namespace parley::detail {

inline constexpr std::size_t max_proxy_v1_bytes = 107;
inline constexpr std::size_t proxy_v2_fixed_bytes = 16;
inline constexpr std::size_t max_proxy_v2_payload_bytes = 536; // of addresses and TLVs together

struct proxy_header {
    // The client's address; its port may be 0. nullopt when the connection is the proxy's own, or when the
    // proxy names no client with an IP address.
    std::optional<tcp_endpoint> client;
    std::size_t size = 0; // of the header; the connection's own bytes follow
};

// Reads the header at the start of `so_far`. nullopt when it needs more bytes (a header has at most 552).
// Errors: bad_framing, for the first wrong byte.
result<std::optional<proxy_header>> parse_proxy_header(bytes_view so_far);

} // namespace parley::detail
