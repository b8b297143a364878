// Why a relay turned something away: one name for the log line and for the metric's label.
#pragma once

#include <parley/base/bytes.hpp>

#include <array>
#include <string_view>

namespace parley {

enum class reject_reason : byte {
    // before anything is known of a connection
    connections_full,   // limits.connections
    address_full,       // limits.connections_per_address
    connection_rate,    // limits.connections_per_second
    stopping,           // the relay drains or stops
    not_admitted,       // relay_server_options::admit said no
    duplicate_identity, // a live peer has this identity
    // its first bytes
    preamble_timeout,  // limits.preamble_timeout: no hello, line or request in time
    preamble_too_long, // limits.preamble_bytes
    unrecognised,      // nothing that this listener serves
    untrusted_proxy,   // a PROXY header from outside the trusted networks
    bad_proxy_header,
    bad_forwarded, // a header that names the client, from a trusted proxy, that cannot be read
    tls_failed,
    bad_http,
    bad_upgrade, // a WebSocket upgrade that breaks its rules
    no_such_path,
    lobbies_full, // limits.lobbies
    // handshakes
    hello_rate,        // limits.hellos_per_second
    announcement_rate, // limits.announcements_per_second
    attempt_rate,      // limits.attempts_per_minute: the packet waits
    packet_rate,       // limits.packets_per_second: the peer is not read for a while
    queue_full,        // much waits for the peer that a packet is for: the packet is dropped
    slow_reader,       // too much waits for it to read
    memory,            // limits.memory: it held the most
    // rooms
    rooms_full, // limits.rooms
    room_bytes, // limits.room_bytes
    room_idle,  // limits.room_idle
};

inline constexpr std::size_t refusals = static_cast<std::size_t>(reject_reason::room_idle) + 1;

// Its name, e.g. "address_full".
std::string_view reject_reason_name(reject_reason why) noexcept;

} // namespace parley
