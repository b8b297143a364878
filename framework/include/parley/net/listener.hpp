// The listening side of a service: one or more addresses, of any transports, that give streams to one
// function.
#pragma once

#include <parley/net/transport.hpp>

namespace parley {

// Accepts on several addresses. It goes on after errors that concern one connection (ECONNABORTED) or pass
// (EMFILE, ENFILE, ENOBUFS, ENOMEM: it waits options.retry_delay, longer each time, and connections wait in
// the system's queue meanwhile). Destroying it stops it. Not thread-safe: use it on its executor.
class listener {
public:
    explicit listener(executor ex, listen_options options = {});
    listener(listener&&) noexcept = default;
    listener& operator=(listener&&) noexcept = default;

    // Binds `address` now, so that errors are known before anything starts. Errors: unknown_transport, the
    // system's (address_in_use, permission_denied, …).
    result<void> add(const listen_address& address);

    // The real addresses of all that was added, with the ports the system picked, in order.
    std::vector<tcp_endpoint> bound() const;

    // The same as texts, of every transport. `both_kinds`: only those of addresses that serve both kinds of
    // stream.
    std::vector<std::string> bound_texts(bool both_kinds = false) const;

    // Begins to accept; each stream goes to `on_stream`, which must not throw. Called once, after the last
    // add().
    void start(std::function<void(any_stream)> on_stream);

    // Stops accepting and frees the addresses. on_stream is not called after this. Streams given out stay
    // open.
    void stop() noexcept;

private:
    executor executor_;
    listen_options options_;
    struct listening {
        std::unique_ptr<acceptor_base> acceptor;
        bool both_kinds;
    };
    std::vector<listening> acceptors_;
};

} // namespace parley
