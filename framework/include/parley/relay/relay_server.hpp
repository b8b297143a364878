// A blind relay: it listens, introduces peers (PROTOCOL.md section 3) and joins the connections of peers that
// have agreed (section 6). relay_machine and room_broker decide; relay_server moves bytes for them.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>
#include <parley/stream/any_stream.hpp>

#include <memory>
#include <string>
#include <vector>

namespace parley {

// One relay. Everything runs on its executor, which is a strand or belongs to a context with one thread; only
// the bytes of rooms may move on other threads (relay_server_options::threads). Call every member on that
// executor; the relay calls the observer there, too. Memory: about 1 KiB for each waiting handshake
// connection over TCP, and two buffers for each room in motion.
class relay_server {
public:
    // `observer` must outlive run().
    relay_server(executor ex, relay_server_options options, relay_observer& observer);
    relay_server(const relay_server&) = delete;
    relay_server& operator=(const relay_server&) = delete;
    // Destroy a relay after run() has ended, or when its context never runs again.
    ~relay_server();

    // Binds all addresses, or none after an error. The ports are known before run(). Errors: the system's,
    // unknown_transport, tls_failed (no certificate), bad_address (an address that is not valid);
    // `diag` names the address that failed.
    error_code listen(diagnostics* diag = nullptr);
    std::vector<tcp_endpoint> bound_handshake_endpoints() const;
    std::vector<tcp_endpoint> bound_room_endpoints() const;
    // The bound addresses of every transport, as texts. An address that serves both channels is in both
    // lists.
    std::vector<std::string> bound_handshake_texts() const;
    std::vector<std::string> bound_room_texts() const;
    std::vector<std::string> bound_http_texts() const; // of http_addresses

    // Serves until stop() and until every connection is closed. Call it once. It calls listen(), unless the
    // caller has done so. Errors: those of listen(); unset after stop(). Cancellation (terminal): as stop().
    awaitable<error_code> run();

    // Stops gracefully. The relay rejects new peers (it still answers HTTP), and notifies and closes waiting
    // peers. Peers that have agreed may still come to their rooms, and rooms run to their end. run() returns
    // after the last of them. The time is not bounded; call stop() to bound it.
    void drain();
    bool draining() const noexcept; // after drain() or stop()

    // Stops at once: accepts no more connections, closes waiting peers and resets rooms. May be called again.
    void stop();

    // Apply to new connections. Open connections stay.
    void set_limits(const relay_limits& limits);
    void set_trusted_networks(network_set networks);
    void set_allowed_origins(std::vector<std::string> origins);

    // Serves a stream that was opened elsewhere, as if the relay had accepted it on that channel. `who` must
    // be unique among live peers. A seat that `stream` has counts as one that its peer presented.
    void serve_handshake(any_stream stream, const identity& who);
    void serve_room(any_stream stream, const identity& who);

    // Totals of all lobbies.
    struct counts {
        std::size_t starting = 0;     // connections in their preamble
        std::size_t lobbies = 0;      // named lobbies
        std::size_t handshakes = 0;   // handshake connections
        std::size_t room_peers = 0;   // room connections that are not joined yet
        std::size_t rooms = 0;        // joined rooms
        std::size_t connections = 0;  // connections that count toward relay_limits::connections
        std::uint64_t room_bytes = 0; // moved by rooms so far, both directions together
        std::uint64_t memory = 0;     // bytes that count toward relay_limits::memory
        relay_machine::counts peers;
        room_broker::counts places;
    };
    counts count() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace parley
