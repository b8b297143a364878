// What a transport is to the rest of the framework. To add one: write its file with a `transport` value, and
// add one line to the table in transport.cpp (or call register_transport from a program).
#pragma once

#include <parley/base/time.hpp>
#include <parley/net/address.hpp>
#include <parley/net/any_stream.hpp>

#include <functional>
#include <span>

namespace parley {

class resolver;

// The two kinds of stream between a peer and a relay (PROTOCOL.md section 9).
enum class stream_kind : std::uint8_t { handshake, room };

struct tcp_options {
    bool no_delay = true;                                // packets are small and are answered at once
    std::chrono::seconds keep_alive_idle{60};            // probes after this much silence; 0 = none
    int receive_buffer_bytes = 0, send_buffer_bytes = 0; // 0 = the system's own tuning
};

struct connect_options {
    duration timeout = std::chrono::seconds{30};             // for everything, the look-up included
    duration attempt_delay = std::chrono::milliseconds{250}; // before the next address is tried as well
    class resolver* names = nullptr;                         // the system's when null; outlives the connect
    tcp_options tcp;
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

    // One sentence for people: the error, then each address and what happened there.
    std::string describe() const;
};

// What a transport is asked to connect to.
struct connect_request {
    relay_address address;
    stream_kind kind = stream_kind::handshake;
    std::optional<tcp_endpoint> exact; // go to this very address instead of looking the host up; its port is
                                       // ignored
    connect_options options;
};

struct listen_options {
    int backlog = 4096;
    duration retry_delay =
        std::chrono::milliseconds{100}; // after EMFILE and the like; doubled up to 20 times it
    tcp_options tcp;
    std::function<void(error_code)> on_error; // told of each failed accept; for logs
};

// The listening side of one address. Destroying it stops it.
class acceptor_base {
public:
    virtual ~acceptor_base() = default;
    // Accepts until stop(). `on_stream` gets each stream once it is ready (TLS and WebSocket handshakes done)
    // and must not throw. Called once.
    virtual void start(std::function<void(any_stream)> on_stream) = 0;
    // Accepts no more; connections that nobody accepted yet are reset. on_stream is not called after this.
    virtual void stop() noexcept = 0;
    // The real addresses, with the ports that the system picked.
    virtual std::vector<tcp_endpoint> bound() const = 0;
};

struct transport {
    std::string_view scheme; // lower case; static storage
    std::uint16_t default_port = 0;
    std::uint16_t default_room_port = 0; // equal to default_port: one port, one URL with a path
    awaitable<connect_outcome> (*connect)(connect_request request) = nullptr;
    result<std::unique_ptr<acceptor_base>> (*listen)(executor ex, const listen_address& address,
                                                     const listen_options& options) = nullptr;

    bool has_path() const noexcept { return default_port == default_room_port; }
};

// The transport of `scheme`, or null. Thread-safe as long as nobody registers.
const transport* find_transport(std::string_view scheme) noexcept;
// All of them, for help texts.
std::span<const transport* const> transports() noexcept;
// Adds a transport of a program's own, or replaces the one of that scheme; `added` has static storage. To be
// called before other threads use the framework.
void register_transport(const transport& added);

} // namespace parley
