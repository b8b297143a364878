// Tries a relay from end to end: a connection step by step, a whole handshake between a sender and a receiver
// that are both in this process, and a room through which some bytes pass there and back.
#pragma once

#include <parley/session/peer_session.hpp>
#include <parley/transport/transport.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

struct probe_options {
    probe_options() = default; // no aggregate, as connect_options

    relay_address relay;
    duration step_timeout = std::chrono::seconds{15};
    std::size_t room_bytes = 16 * 1024; // each way through the room
    random_source* random = nullptr;    // system_random() by default. Borrowed
    resolver* names = nullptr;          // the system's by default. Borrowed
    std::string ca_file;                // as session_options
    proxy_pointer proxy;                // as session_options
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
