// Tests a relay from end to end: it connects step by step, makes a whole handshake between a sender and a
// receiver in this process, and sends some bytes through a room and back.
#pragma once

#include <parley/session/peer_session.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

// The relay to test, and how. Every setter returns the object, so that calls chain. The inherited options
// idle_timeout and blocking have no effect.
class probe_options : public session_option_setters<probe_options> {
public:
    probe_options() { step_timeout(step_timeout_).reconnect(false); }

    // The time for each step; 15 seconds by default. Also sets connect_timeout, wait_timeout and
    // entry_timeout.
    probe_options& step_timeout(duration value)
    {
        step_timeout_ = value;
        return connect_timeout(value).wait_timeout(value).entry_timeout(value);
    }
    // The number of bytes that pass through the room, each way; 16 KiB by default.
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

// The end of one step: the steps of connect_step that the connection has, then "handshake", then "room".
struct probe_step {
    std::string_view name; // static storage
    duration time{};
    session_phase phase = session_phase::connecting;
    error_code error;   // unset on success
    std::string detail; // safe to print
};

// Runs the steps, and ends with the first that fails. Calls `on_step`, which must not throw, after each step.
// Returns the error of the failed step, or none.
//
// The password is random, and the receiver asks only its own sender. But another receiver that waits at the
// relay will try this sender, and learn that the password differs. Errors: those of connect(), of the
// machines and of a room; bad_framing when the room returns other bytes. Cancellation (terminal):
// `cancelled`, with both connections closed. Not thread-safe: the calling coroutine's executor must be a
// strand, or its context must have one thread.
awaitable<error_code> probe_relay(probe_options options, std::function<void(const probe_step&)> on_step);

} // namespace parley
