// What a transport is to the rest of the framework. To add one: write its file with a `transport` value, and
// add one line to the table in transport.cpp (or call register_transport from a program).
#pragma once

#include <parley/base/time.hpp>
#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>
#include <parley/transport/address.hpp>

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace parley {

class resolver;
class tls_identity;
struct proxy_settings;

// No options are an aggregate: GCC 12 destroys a temporary aggregate in a co_await expression twice.
struct tcp_options {
    tcp_options() = default;

    bool no_delay = true;                                // packets are small and are answered at once
    std::chrono::seconds keep_alive_idle{60};            // probes after this much silence; 0 = none
    int receive_buffer_bytes = 0, send_buffer_bytes = 0; // 0 = the system's own tuning
};

// How the other side's certificate is checked. It always is: against these authorities, for the name or the
// address that was asked for.
struct tls_client_options {
    tls_client_options() = default;
    explicit tls_client_options(std::string authorities) : ca_file(std::move(authorities)) {}

    std::string ca_file; // PEM; empty: the system's authorities
};

// The steps of a connection, in this order; which there are depends on the transport and the proxy.
enum class connect_step : byte {
    resolve, // the host, or the proxy, looked up
    connect, // TCP to that address, or the local socket
    proxy,   // the proxy asked for the relay
    tls,     // the TLS handshake, certificates checked
    upgrade, // the WebSocket's HTTP request and answer
};
std::string_view connect_step_name(connect_step step) noexcept; // "resolve", …

// The end of one step.
struct connect_step_report {
    connect_step step = connect_step::resolve;
    duration time{};
    error_code error;   // unset: it went well
    std::string detail; // an address, or what was wrong; safe to print
};

struct connect_options {
    connect_options() = default;

    duration timeout = std::chrono::seconds{30};             // for everything, the look-up included
    duration attempt_delay = std::chrono::milliseconds{250}; // before the next address is tried as well
    class resolver* names = nullptr;                         // the system's when null; outlives the connect
    tcp_options tcp;
    tls_client_options tls;
    websocket_options websocket;
    std::optional<seat_token> seat; // a WebSocket presents it: the same on both connections of a session
    std::shared_ptr<const proxy_settings>
        proxy; // carries every transport over TCP (transport/proxy.hpp); null: none
    // Told of each step as it ends, on the coroutine's executor; must not throw. A step that was cancelled
    // may stay untold.
    std::function<void(const connect_step_report&)> on_step;
};

// One address that was tried.
struct connect_attempt {
    tcp_endpoint endpoint;
    error_code error; // operation_aborted when another address was faster, or time ran out
};

struct connect_outcome {
    any_stream stream;                     // open when error is unset
    error_code error;                      // name_not_resolved, connect_failed, timed_out, cancelled, …
    std::vector<connect_attempt> attempts; // those that failed, in the order in which they started
    std::string detail; // what was wrong above the connection (a certificate, an HTTP status); safe to print

    // For people: each address and what happened there; empty without attempts.
    std::string describe_attempts() const;
    // One sentence for people: the error, then the attempts and the detail.
    std::string describe() const;
};

// What a transport is asked to connect to.
struct connect_request {
    connect_request() = default;

    relay_address address;
    stream_kind kind = stream_kind::handshake;
    std::optional<tcp_endpoint> exact; // go to this very address (the proxy's, where there is one) instead of
                                       // looking the host up; its port is ignored
    connect_options options;

    std::uint16_t port() const noexcept
    {
        return kind == stream_kind::room ? address.room_port : address.port;
    }
};

struct listen_options {
    listen_options() = default;

    int backlog = 4096;
    duration retry_delay =
        std::chrono::milliseconds{100}; // after EMFILE and the like; doubled up to 20 times it
    tcp_options tcp;
    // Listening TCP sockets that this process was given. An address that one of them is bound to takes it,
    // and closes it in the end, instead of binding anew.
    std::vector<int> passed_sockets;
    std::function<void(error_code)> on_error; // told of each failed accept; for logs
};

// The listening side of one address. Destroying it stops it.
class acceptor_base {
public:
    virtual ~acceptor_base() = default;
    // Accepts until stop(). `on_stream` gets each connection as it was accepted: the TLS and WebSocket
    // handshakes of its scheme are still to come (accept_tls, accept_websocket). Must not throw. Called once.
    virtual void start(std::function<void(any_stream)> on_stream) = 0;
    // Accepts no more; connections that nobody accepted yet are reset. on_stream is not called after this.
    virtual void stop() noexcept = 0;
    // The real addresses, with the ports that the system picked.
    virtual std::vector<tcp_endpoint> bound() const = 0;
    // The same as texts that a user could type; those of TCP without the scheme.
    virtual std::vector<std::string> bound_texts() const;
};

// What a relay looks for in the connections of a listener before it takes a handshake or a room from them.
struct listener_protocols {
    bool plain = true;   // connections without TLS
    bool tls = false;    // connections with it
    bool streams = true; // handshakes and rooms that begin at once
    bool http = false;   // HTTP, and WebSockets inside
};

struct transport {
    std::string_view scheme; // lower case; static storage
    std::uint16_t default_port = 0;
    std::uint16_t default_room_port = 0; // equal to default_port: one port, one URL with a path
    awaitable<connect_outcome> (*connect)(connect_request request) = nullptr;
    result<std::unique_ptr<acceptor_base>> (*listen)(executor ex, const listen_address& address,
                                                     const listen_options& options) = nullptr;

    bool local = false;             // scheme:/path, a name in the file system; rooms are at PATH.room
    bool room_is_next_port = false; // after an explicit port; otherwise rooms stay at default_room_port
    listener_protocols serves{};

    // One URL with a path serves handshakes and rooms.
    bool has_path() const noexcept { return !local && default_port == default_room_port; }
};

// The transport of `scheme`, or null. Thread-safe as long as nobody registers.
const transport* find_transport(std::string_view scheme) noexcept;
// All of them, for help texts.
std::span<const transport* const> transports() noexcept;
// Adds a transport of a program's own, or replaces the one of that scheme; `added` has static storage. To be
// called before other threads use the framework.
void register_transport(const transport& added);

} // namespace parley
