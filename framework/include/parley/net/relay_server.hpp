// A blind relay as an object: it listens, introduces peers (PROTOCOL.md section 3) and joins those who agreed
// (section 6). It decides nothing itself: relay_machine and room_broker do, and this carries bytes for them.
#pragma once

#include <parley/base/result.hpp>
#include <parley/net/any_stream.hpp>
#include <parley/net/limits.hpp>
#include <parley/net/network_set.hpp>
#include <parley/net/refusal.hpp>
#include <parley/net/transport.hpp>
#include <parley/net/websocket.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace parley {

// What a connection has come for.
enum class relay_door : byte { handshake, room };
std::string_view relay_door_name(relay_door door) noexcept; // "handshake", "room"

enum class peer_kind : byte { server, client };

// A room at its end.
struct room_report {
    identity client;
    identity server;
    std::uint64_t server_to_client_bytes = 0;
    std::uint64_t client_to_server_bytes = 0;
    duration time{};
    error_code why; // unset when both sides ended in order
};

// What a relay tells to logs and metrics, called on its executor. Every function does nothing unless it is
// overridden; none may throw or block. Identities are safe to print.
class relay_observer {
public:
    virtual ~relay_observer() = default;
    virtual void listening(const tcp_endpoint& at, relay_door door) { (void)at, (void)door; }
    virtual void accept_failed(relay_door door, error_code why) { (void)door, (void)why; }
    virtual void connected(const identity& who, relay_door door) { (void)who, (void)door; }
    // Every connected() is followed by one of these. `why` is unset when nothing went wrong: after an
    // agreement, at the peer's own end, or when a room was joined and has ended.
    virtual void disconnected(const identity& who, relay_door door, error_code why)
    {
        (void)who, (void)door, (void)why;
    }
    virtual void hello(const identity& who, peer_kind kind) { (void)who, (void)kind; }
    virtual void agreed(const identity& client, const identity& server) { (void)client, (void)server; }
    // A packet of this type went nowhere.
    virtual void dropped(const identity& from, drop_reason reason, std::uint8_t type)
    {
        (void)from, (void)reason, (void)type;
    }
    // A connection, or something that it asked for, was turned away. `who` is empty where it is not known.
    virtual void refused(const identity& who, relay_door door, refusal why)
    {
        (void)who, (void)door, (void)why;
    }
    // A reader too slow for its queue is dropped.
    virtual void overflow(const identity& who, std::size_t queued_bytes) { (void)who, (void)queued_bytes; }
    virtual void room_opened(const identity& client, const identity& server) { (void)client, (void)server; }
    virtual void room_closed(const room_report& report) { (void)report; }
};

// An HTTP request that asks for no WebSocket.
struct relay_http_call {
    const http_request& request;
    const identity& who;      // who asks, as peers would see it
    bool own_address = false; // it came to one of relay_server_options::http_addresses
};

struct relay_server_options {
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
    std::shared_ptr<tls_identity> tls; // what tls and wss addresses show (net/tls.hpp)
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
    // Packet bytes that may wait for one handshake connection's reader. Packets are shared, so a reader that
    // is this far behind costs far less than this.
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
    std::function<bool(const identity& who, relay_door door)> admit;
};

// One relay: one space of uids. Everything runs on its executor, which is a strand or belongs to a context
// with one thread, but for the bytes of rooms (see relay_server_options::threads); every member and observer
// is called there, too. Memory: about 1 KiB a waiting handshake connection over
// TCP, two buffers a room in motion.
class relay_server {
public:
    // `observer` is borrowed until run() has ended.
    relay_server(executor ex, relay_server_options options, relay_observer& observer);
    relay_server(const relay_server&) = delete;
    relay_server& operator=(const relay_server&) = delete;
    // run() must have ended, or its context must never run again.
    ~relay_server();

    // Binds all addresses, so that the ports are known before anything runs. Errors: the system's own,
    // unknown_transport; `where` gets the address that failed, when it is not null.
    error_code listen(std::string* where = nullptr);
    std::vector<tcp_endpoint> bound_handshake_endpoints() const;
    std::vector<tcp_endpoint> bound_room_endpoints() const;
    // The same as texts, of every transport; an address that serves both doors is in both.
    std::vector<std::string> bound_handshake_texts() const;
    std::vector<std::string> bound_room_texts() const;
    std::vector<std::string> bound_http_texts() const; // of http_addresses

    // Serves until stop() and until everything is closed. To be called once, after listen() (which it calls
    // when nobody has). Errors: those of listen(); unset after stop(). Cancellation (terminal): as stop().
    awaitable<error_code> run();

    // Ends it in peace: no more peers (HTTP is still answered), waiting ones are told and closed, those who
    // have agreed may still come to their rooms, and rooms run to their end; run() returns after the last. To
    // be bounded by a stop().
    void drain();
    bool draining() const noexcept; // since drain() or stop()

    // Ends it: no more connections, waiting peers are closed, rooms are reset. May be repeated.
    void stop();

    // From now on; who is there already stays.
    void set_limits(const relay_limits& limits);
    void set_trusted_networks(network_set networks);

    // Serves a connection that came about elsewhere, as if it had been accepted on that door. `who` must be
    // unique among live peers. A seat that `stream` has counts as one that its peer presented.
    void serve_handshake(any_stream stream, const identity& who);
    void serve_room(any_stream stream, const identity& who);

    // Of all lobbies together.
    struct counts {
        std::size_t starting = 0;     // connections that have not said yet what they have come for
        std::size_t lobbies = 0;      // with a name
        std::size_t handshakes = 0;   // connections
        std::size_t room_peers = 0;   // connections that are not in a joined room yet
        std::size_t rooms = 0;        // joined
        std::size_t connections = 0;  // all of those that hold a place under relay_limits::connections
        std::uint64_t room_bytes = 0; // that have passed through rooms so far, both directions
        relay_machine::counts peers;
        room_broker::counts places;
    };
    counts count() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace parley
