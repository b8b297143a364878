// The addresses that a relay listens on, and what each of them serves. Private to the framework.
#pragma once

#include "relay/intake/intake.hpp"

#include <parley/transport/transport.hpp>

namespace parley::detail {

// Not thread-safe: use it on its executor.
class relay_listeners {
public:
    enum class use : byte { handshake, room, answers };

    explicit relay_listeners(executor ex) : executor_(std::move(ex)) {}

    // Binds at once. Errors: unknown_transport, tls_failed (no certificate), bad_address (an
    // address that is not valid), the system's.
    error_code add(const listen_address& address, use for_what, const listen_options& options,
                   const tls_identity* tls);

    std::vector<tcp_endpoint> bound(use for_what) const;
    // The addresses as a user could type them. An address that serves both channels by one URL is in both
    // lists. Without addresses for rooms, every handshake address is in both.
    std::vector<std::string> texts(use for_what) const;

    void start(std::function<void(any_stream, listener_policy_ptr)> on_stream);
    void stop() noexcept;
    void stop_but_answers() noexcept; // keeps the addresses for answers open

private:
    struct listener {
        std::unique_ptr<acceptor_base> acceptor;
        use for_what;
        listener_policy_ptr policy;
        bool one_url; // serves both channels
        std::string text_before, text_behind;
    };
    void append_texts(std::vector<std::string>& out, const listener& from) const;

    executor executor_;
    std::vector<listener> listeners_;
};

} // namespace parley::detail
