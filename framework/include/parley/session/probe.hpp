// Tries a relay from end to end: a connection step by step, a whole handshake between a sender and a receiver
// that are both in this process, and a room through which some bytes pass there and back.
#pragma once

#include <parley/session/peer_session.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

// Which relay to try and how. Every setter returns the object itself, so that they chain.
class probe_options {
public:
    probe_options() = default;

    // These are as in session_option_setters.
    probe_options& relay(relay_address value)
    {
        relay_ = std::move(value);
        return *this;
    }
    probe_options& random(random_source* value)
    {
        random_ = value;
        return *this;
    }
    probe_options& names(resolver* value)
    {
        names_ = value;
        return *this;
    }
    probe_options& ca_file(std::string value)
    {
        ca_file_ = std::move(value);
        return *this;
    }
    probe_options& proxy(proxy_pointer value)
    {
        proxy_ = std::move(value);
        return *this;
    }
    // How long each step may take; 15 seconds by default.
    probe_options& step_timeout(duration value)
    {
        step_timeout_ = value;
        return *this;
    }
    // How many bytes pass through the room, each way; 16 KiB by default.
    probe_options& room_bytes(std::size_t value)
    {
        room_bytes_ = value;
        return *this;
    }

    const relay_address& relay() const noexcept { return relay_; }
    random_source* random() const noexcept { return random_; }
    resolver* names() const noexcept { return names_; }
    const std::string& ca_file() const noexcept { return ca_file_; }
    const proxy_pointer& proxy() const noexcept { return proxy_; }
    duration step_timeout() const noexcept { return step_timeout_; }
    std::size_t room_bytes() const noexcept { return room_bytes_; }

private:
    relay_address relay_;
    random_source* random_ = nullptr;
    resolver* names_ = nullptr;
    std::string ca_file_;
    proxy_pointer proxy_;
    duration step_timeout_ = std::chrono::seconds{15};
    std::size_t room_bytes_ = 16 * 1024;
};

// The end of one step: those of connect_step that there are, then "handshake", then "room".
struct probe_step {
    std::string_view name; // static storage
    duration time{};
    session_phase phase = session_phase::connecting;
    error_code error;   // unset: it went well
    std::string detail; // safe to print
};

// Runs the steps, telling `on_step` (which must not throw) of each as it ends, and ends with the first that
// fails. Gives that one's error, or none.
//
// The password is random, and the receiver speaks to nobody but its own sender; but whoever waits at the
// relay for a sender will try it, and learn that its password is another one. Errors: those of connect(), of
// the machines and of a room; bad_framing when other bytes come out of the room than went in. Cancellation
// (terminal): `cancelled`, with both connections closed. Not thread-safe: the calling coroutine's executor is
// a strand, or its context has one thread.
awaitable<error_code> probe_relay(probe_options options, std::function<void(const probe_step&)> on_step);

} // namespace parley
