// What a relay is told before it runs: where it listens, whom it lets in, what it bears.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>
#include <parley/relay/limits.hpp>
#include <parley/relay/network_set.hpp>
#include <parley/transport/transport.hpp>
#include <parley/transport/websocket.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace parley {

// What a connection has come for.
enum class relay_channel : byte { handshake, room };
std::string_view relay_channel_name(relay_channel channel) noexcept; // "handshake", "room"

// An HTTP request that asks for no WebSocket.
struct relay_http_call {
    const http_request& request;
    const identity& who;      // who asks, as peers would see it
    bool own_address = false; // it came to one of relay_server_options::http_addresses
};

struct relay_server_options {
    relay_server_options() = default;

    // What to listen on. The first bytes of a connection tell what it has come for (handshake, room, TLS when
    // there is a certificate, HTTP and WebSocket): tcp and unix addresses serve all of it, so that one is
    // enough for everything; tls, ws and wss addresses serve that only. Which of the two lists an address
    // stands in matters only for what could be either. Both may be empty, for a relay that only serves
    // adopted streams.
    std::vector<listen_address> handshake_addresses;
    std::vector<listen_address> room_addresses;
    // Addresses (tcp, unix or tls) that serve `http` and nothing else.
    std::vector<listen_address> http_addresses;
    std::vector<int> passed_sockets; // see listen_options
    tcp_options tcp;
    websocket_options websocket;
    std::shared_ptr<tls_identity> tls; // what tls and wss addresses show (transport/tls.hpp)
    relay_options relay;
    room_options rooms;
    relay_limits limits;
    // Who may say whose connection it brings, by PROXY protocol (1 or 2), Forwarded, X-Forwarded-For or
    // X-Real-IP. A PROXY header from anywhere else is refused, the others are not looked at.
    network_set trusted_networks;
    // WebSockets to /lobby/NAME, NAME being 1 to 64 of A-Z a-z 0-9 . _ -, meet in a lobby of that name: a
    // space of peers, uids and rooms of its own, which lives as long as somebody is there. With false, and
    // for any other path, there is one lobby.
    bool lobbies = true;
    // Answers HTTP requests on every address that serves HTTP; nothing: the relay answers itself (404, 426).
    // Must not throw or block; may be empty.
    std::function<std::optional<http_answer>(const relay_http_call&)> http;
    // The memory that may wait for one handshake connection's reader, in bytes. limits.memory bounds it for
    // all of them. An eighth of it is for what other peers send: more of that is dropped.
    std::size_t max_queue_bytes = 8u << 20;
    duration linger_timeout = std::chrono::seconds{5};     // how long the last bytes of a handshake may take
    std::size_t room_buffer_bytes = 64u << 10;             // a direction of a room, while bytes move
    duration half_room_timeout = std::chrono::seconds{60}; // without bytes, once one side has ended
    // Event loops that carry rooms: the relay's executor, and this many less one threads of the relay's own.
    // A room is on the one with the fewest from beginning to end; rooms of memory or wrapped streams stay on
    // the relay's executor. With more than one, limits.bytes_per_second is divided evenly among them.
    std::size_t threads = 1;
    // Asked for every connection, before anything is read but what a trusted proxy says of it; false closes
    // it. May be empty.
    std::function<bool(const identity& who, relay_channel channel)> admit;
    // What every deadline and rate of the relay is measured by; not null, outlives the server. A test gives a
    // testing::virtual_clock, with one thread.
    time_source* time = &real_time();
};

} // namespace parley
