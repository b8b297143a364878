// The options of a relay server: its listeners, limits and hooks.
#pragma once

#include <parley/async/time_source.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>
#include <parley/relay/limits.hpp>
#include <parley/relay/network_set.hpp>
#include <parley/relay/static_site.hpp>
#include <parley/transport/transport.hpp>
#include <parley/transport/websocket.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

// Allows every web page; see relay_server_options::allowed_origins.
inline constexpr std::string_view any_origin = "any";

// What a connection is for.
enum class relay_channel : byte { handshake, room };
std::string_view relay_channel_name(relay_channel channel) noexcept; // "handshake", "room"

// An HTTP request that does not ask for a WebSocket.
struct relay_http_call {
    const http_request& request;
    const identity& who;      // the client, as peers would see it
    bool own_address = false; // the request came to one of relay_server_options::http_addresses
};

struct relay_server_options {
    relay_server_options() = default;

    // The addresses to listen on. The relay detects a connection's protocol from its first bytes: handshake,
    // room, TLS (when there is a certificate), HTTP or WebSocket. A tcp or unix address serves all of them,
    // so one address is enough for a relay. A tls, ws or wss address serves only what its scheme names. It
    // matters which list has an address only when the first bytes fit both channels. Both lists may be empty:
    // such a relay serves adopted streams only.
    std::vector<listen_address> handshake_addresses;
    std::vector<listen_address> room_addresses;
    // Addresses (tcp, unix or tls) that serve `http` and nothing else.
    std::vector<listen_address> http_addresses;
    std::vector<int> passed_sockets; // see listen_options
    tcp_options tcp;
    websocket_options websocket;
    std::shared_ptr<tls_identity> tls; // the certificate for TLS (transport/tls.hpp); null: no TLS
    relay_options relay;
    room_options rooms;
    relay_limits limits;
    // Proxies that may name a connection's client, by the PROXY protocol (1 or 2), Forwarded, X-Forwarded-For
    // or X-Real-IP. From any other address the relay rejects a PROXY header, and ignores the other headers.
    network_set trusted_networks;
    // The web pages that may open WebSockets, as browsers name them in the Origin header:
    // "https://relay.example", with a port only where it is not the default; any_origin stands for all. The
    // relay refuses other origins. It accepts requests without the header, which browsers always send. Empty:
    // the pages whose origin has the host and port of the request's Host header.
    std::vector<std::string> allowed_origins;
    // A WebSocket to /lobby/NAME enters the lobby of that name; NAME has 1 to 64 letters (A-Z, a-z), digits,
    // ".", "_" or "-". A lobby is a separate space of peers, uids and rooms. It exists as long as it has a
    // peer. Any other path leads to the default lobby; with false, every path does.
    bool lobbies = true;
    // Answers HTTP requests on every address that serves HTTP. When it returns nullopt, the relay answers
    // itself (404, 426). Must not throw or block; may be empty.
    std::function<std::optional<http_answer>(const relay_http_call&)> http;
    // A page for browsers, on every address that serves WebSockets: where a WebSocket to the default lobby may be
    // opened ("/" when that is any path), and at /lobby/NAME. Its files are in the same folders. Null: none.
    std::shared_ptr<const static_site> site;
    // The bound on the memory, in bytes, of the queue of one handshake connection. limits.memory bounds all
    // queues together. Packets of other peers may take an eighth of it; the relay drops further ones.
    std::size_t max_queue_bytes = 8u << 20;
    duration linger_timeout = std::chrono::seconds{5};     // for the last bytes of a connection that closes
    std::size_t room_buffer_bytes = 64u << 10;             // for each direction of a room, while bytes move
    duration half_room_timeout = std::chrono::seconds{60}; // time without bytes, after one side has ended
    // Event loops that carry rooms: the relay's executor, and `threads - 1` threads of the relay's own. A
    // room starts on the loop with the fewest rooms and stays there. Rooms of memory or wrapped streams are
    // always on the relay's executor. With more than one loop, limits.bytes_per_second is divided evenly
    // among them.
    std::size_t threads = 1;
    // Decides whether to serve a connection; false closes it. The relay calls this for every connection.
    // Before the call it reads only what a trusted proxy says about the connection. May be empty.
    std::function<bool(const identity& who, relay_channel channel)> admit;
    // The clock for every deadline and rate of the relay. Not null; outlives the server. A test passes a
    // testing::virtual_clock, with one thread.
    time_source* time = &real_time();
};

} // namespace parley
