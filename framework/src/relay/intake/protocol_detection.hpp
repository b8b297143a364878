// Detects a connection's protocol from its first bytes. Private to the framework.
//
//     16 03                                      TLS (a handshake record)
//     0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a        PROXY protocol, version 2
//     "PROXY "                                   PROXY protocol, version 1
//     a method of HTTP and a space               HTTP
//     on the handshake channel:
//       '[', ':', "unix-", or up to four hexadecimal digits and then '.' or ':'    a room line (an identity)
//       anything else                            handshake packets
//     on the room channel:
//       0000 and two hexadecimal digits          handshake packets (a hello)
//       anything else                            a room line
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/relay/options.hpp>

namespace parley::detail {

enum class detected_protocol : byte { more_needed, tls, proxy_v1, proxy_v2, http, handshake, room };

inline constexpr std::size_t max_first_bytes = 12; // enough for every answer

// The protocol of a stream on that channel; `so_far` holds its bytes from the start. more_needed when more
// than one answer is still possible. Later bytes change no other answer.
detected_protocol detect_protocol(bytes_view so_far, relay_channel channel) noexcept;

} // namespace parley::detail
