// A blind relay as an object: it listens, introduces peers (PROTOCOL.md section 3) and joins those who agreed
// (section 6). It decides nothing itself: relay_machine and room_broker do, and this carries bytes for them.
#pragma once

#include <parley/relay/observer.hpp>
#include <parley/relay/options.hpp>
#include <parley/stream/any_stream.hpp>

#include <memory>
#include <string>
#include <vector>

namespace parley {

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
    // The same as texts, of every transport; an address that serves both channels is in both.
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

    // Serves a connection that came about elsewhere, as if it had been accepted on that channel. `who` must be
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
        std::uint64_t memory = 0;     // bytes that count under relay_limits::memory
        relay_machine::counts peers;
        room_broker::counts places;
    };
    counts count() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace parley
