// Why a relay rejected a connection, or a packet or request on it. Each reason has one name, for log lines
// and metric labels.
#pragma once

#include <parley/base/bytes.hpp>

#include <array>
#include <string_view>

namespace parley {

enum class reject_reason : byte {
    // when a connection opens
    connections_full,   // limits.connections
    over_share,         // all places were taken, and this network held most of them
    address_full,       // limits.connections_per_address
    connection_rate,    // limits.connections_per_second
    stopping,           // the relay drains or stops
    not_admitted,       // relay_server_options::admit returned false
    duplicate_identity, // a live peer has this identity
    // in a connection's preamble
    preamble_timeout,  // limits.preamble_timeout: no hello, line or request in time
    preamble_too_long, // limits.preamble_bytes
    unrecognised,      // this listener serves no protocol that begins so
    untrusted_proxy,   // a PROXY header from outside the trusted networks
    bad_proxy_header,
    bad_forwarded, // a trusted proxy's header names no client that can be read
    tls_failed,
    bad_http,
    bad_upgrade, // a WebSocket upgrade that breaks its rules
    no_such_path,
    origin,          // relay_server_options::allowed_origins
    lobbies_full,    // limits.lobbies
    address_lobbies, // limits.lobbies_per_address
    http_full,       // limits.http
    address_http,    // limits.http_per_address
    // handshakes
    address_waiting,   // limits.waiting_per_address
    hello_rate,        // limits.hellos_per_second
    announcement_rate, // limits.announcements_per_second
    attempt_rate,      // limits.attempts_per_minute: the packet waits in a queue
    packet_rate,       // limits.packets_per_second: the relay reads no more from the peer for a while
    queue_full,        // other peers' packets fill their part of a queue: the relay drops this packet
    slow_reader,       // more than max_queue_bytes wait for the peer to read
    memory,            // limits.memory: this peer held the most
    // rooms
    address_agreements, // limits.agreements_per_address: the pair cannot enter a room
    denied_rate,        // limits.denied_lines_per_minute
    rooms_full,         // limits.rooms
    address_rooms,      // limits.rooms_per_address
    room_bytes,         // limits.room_bytes
    room_idle,          // limits.room_idle
    room_stalled,       // limits.room_stall
};

inline constexpr std::size_t refusals = static_cast<std::size_t>(reject_reason::room_stalled) + 1;

// The name of `why`, e.g. "address_full".
std::string_view reject_reason_name(reject_reason why) noexcept;

} // namespace parley
