// Tries a relay from end to end: a connection step by step, a whole handshake between a sender and a receiver
// that are both in this process, and a room through which some bytes pass there and back.
#pragma once

#include <parley/session/peer_session.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

// Which relay to try and how. Every setter returns the object itself, so that they chain. Of the options that
// it inherits, idle_timeout and blocking have no effect.
class probe_options : public session_option_setters<probe_options> {
public:
    probe_options() { step_timeout(step_timeout_); }

    // How long each step may take: sets connect_timeout, wait_timeout and entry_timeout, too. 15 seconds by
    // default.
    probe_options& step_timeout(duration value)
    {
        step_timeout_ = value;
        return connect_timeout(value).wait_timeout(value).entry_timeout(value);
    }
    // How many bytes pass through the room, each way; 16 KiB by default.
    probe_options& room_bytes(std::size_t value)
    {
        room_bytes_ = value;
        return *this;
    }

    duration step_timeout() const noexcept { return step_timeout_; }
    std::size_t room_bytes() const noexcept { return room_bytes_; }

private:
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
