// The interface of a transport. To add one: write its file with a `transport` value, and add one line to the
// table in transport.cpp (or call register_transport from a program).
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

// Option types have constructors: GCC 12 destroys a temporary aggregate in a co_await expression twice.
struct tcp_options {
    tcp_options() = default;

    bool no_delay = true; // packets are small and get an answer at once
    // A silent connection fails when its other end does not answer for this long. The system asks it after a
    // third of the time, and again after two thirds. 0: never.
    std::chrono::seconds dead_path_timeout{75};
    int receive_buffer_bytes = 0, send_buffer_bytes = 0; // 0 = the system's own tuning
};

// The authorities for the check of the other side's certificate. The check always happens, for the relay's
// name or address.
struct tls_client_options {
    tls_client_options() = default;
    explicit tls_client_options(std::string authorities) : ca_file(std::move(authorities)) {}

    std::string ca_file; // PEM; empty: the system's authorities
};

// The steps of a connection, in this order. Which of them exist depends on the transport and the proxy.
enum class connect_step : byte {
    resolve, // look up the host, or the proxy
    connect, // connect to that address by TCP, or to the local socket
    proxy,   // ask the proxy for the relay
    tls,     // the TLS handshake, with the check of certificates
    upgrade, // the WebSocket's HTTP request and answer
};
std::string_view connect_step_name(connect_step step) noexcept; // "resolve", …

// The end of one step.
struct connect_step_report {
    connect_step step = connect_step::resolve;
    duration time{};
    error_code error;   // unset on success
    std::string detail; // an address, or what is wrong; safe to print
};

struct connect_options {
    connect_options() = default;

    duration timeout = std::chrono::seconds{30};             // for the whole connection, the look-up included
    duration attempt_delay = std::chrono::milliseconds{250}; // before the next address is tried in parallel
    class resolver* names = nullptr; // null means the system's; must outlive the connect
    tcp_options tcp;
    tls_client_options tls;
    websocket_options websocket;
    std::optional<seat_token> seat; // presented by a WebSocket: the same on both connections of a session
    std::shared_ptr<const proxy_settings>
        proxy; // carries every transport over TCP (transport/proxy.hpp); null: none
    // Called after each step, on the coroutine's executor; must not throw. A cancelled step may go
    // unreported.
    std::function<void(const connect_step_report&)> on_step;
};

// One attempt to connect to an address.
struct connect_attempt {
    tcp_endpoint endpoint;
    error_code error; // operation_aborted when another address was faster, or the timeout passed
};

struct connect_outcome {
    any_stream stream;                     // open when error is unset
    error_code error;                      // name_not_resolved, connect_failed, timed_out, cancelled, …
    std::vector<connect_attempt> attempts; // the failed attempts, in the order of their starts
    std::string detail; // what is wrong above the connection (a certificate, an HTTP status); safe to print

    // Text for people: each address and its error; empty without attempts.
    std::string describe_attempts() const;
    // One sentence for people: the error, then the attempts and the detail.
    std::string describe() const;
};

// The target of a connection.
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
    // Listening TCP sockets that this process was given, e.g. by systemd. An address that one of them is
    // bound to uses it instead of binding a new one, and closes it at the end.
    std::vector<int> passed_sockets;
    std::function<void(error_code)> on_error; // called for each failed accept; for logs
};

// An acceptor for one address. The destructor stops it.
class acceptor_base {
public:
    virtual ~acceptor_base() = default;
    // Accepts until stop(). `on_stream` gets each connection as accepted, before the TLS and WebSocket
    // handshakes of its scheme (accept_tls, accept_websocket). It must not throw. Call start() once.
    virtual void start(std::function<void(any_stream)> on_stream) = 0;
    // Stops accepting. Resets connections that were not accepted yet. on_stream is not called after this.
    virtual void stop() noexcept = 0;
    // The bound addresses, with the ports that the system picked.
    virtual std::vector<tcp_endpoint> bound() const = 0;
    // The same as texts that a user could type; TCP addresses have no scheme.
    virtual std::vector<std::string> bound_texts() const;
};

// The protocols that a relay detects on a listener's connections.
struct listener_protocols {
    bool plain = true;   // connections without TLS
    bool tls = false;    // connections with TLS
    bool streams = true; // handshakes and rooms without HTTP
    bool http = false;   // HTTP, and WebSockets in it
};

struct transport {
    std::string_view scheme; // lower case; static storage
    std::uint16_t default_port = 0;
    std::uint16_t default_room_port = 0; // equal to default_port: one port, and one URL with a path
    awaitable<connect_outcome> (*connect)(connect_request request) = nullptr;
    result<std::unique_ptr<acceptor_base>> (*listen)(executor ex, const listen_address& address,
                                                     const listen_options& options) = nullptr;

    bool local = false;             // scheme:/path, a name in the file system; rooms are at PATH.room
    bool room_is_next_port = false; // after an explicit port; otherwise rooms use default_room_port
    listener_protocols serves{};

    // One URL with a path serves handshakes and rooms.
    bool has_path() const noexcept { return !local && default_port == default_room_port; }
};

// The transport of `scheme`, or null. Thread-safe while no thread registers a transport.
const transport* find_transport(std::string_view scheme) noexcept;
// All transports, for help texts.
std::span<const transport* const> transports() noexcept;
// Adds a program's own transport, or replaces the one with the same scheme. `added` must have static storage.
// Call it before other threads use the framework.
void register_transport(const transport& added);

} // namespace parley
