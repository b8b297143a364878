// Meets the peer of a broken session again (SESSION2.md section 9, "in one run"). Private to the framework.
#pragma once

#include "session/rendezvous.hpp"

#include <parley/proto/reconnection.hpp>

namespace parley::detail {

// A peer that came back, or a new one that knows the sender's own password.
struct returned_peer {
    entered_room room;
    bool is_new = false;
};

// Goes back to the relay with fresh handshakes, as continuation_time and continuation_pauses say. `options` and
// `observer` must outlive it. Not thread-safe. The calling coroutine has called throw_if_cancelled(false).
class continuation {
public:
    continuation(const session_options& options, peer_observer& observer);

    // A session has ended, or has not come about. `moved`: it has brought new bytes; pauses and minutes begin again.
    // The first break begins the minutes in any case.
    void broke(bool moved);
    // Gives up no later than this time from now.
    void limit(duration patience);

    // As the client. `failed` is why the session broke, and is returned when the time is over. Cancellation (terminal):
    // `cancelled`.
    awaitable<operation_result<entered_room>> join(const secret_bytes& reconnection, client_options limits,
                                                   operation_error failed);

    struct offer_terms {
        public_parameters parameters;
        session_versions versions = session_versions::only_2; // with its own password
    };
    // As the server: with the reconnection password at once, and from 30 seconds after the break on with its own one,
    // too. The first that agrees ends the other.
    awaitable<operation_result<returned_peer>> offer(const secret_bytes& reconnection,
                                                     const secret_bytes* own, offer_terms terms,
                                                     operation_error failed);

private:
    class timed_options;
    struct offers;

    duration next_pause(continuation_pauses& pauses) const;
    awaitable<bool> rest(duration time);
    awaitable<operation_result<entered_room>> offer_with(const secret_bytes& password, offer_terms terms,
                                                         bool is_own, operation_error failed);

    const session_options& options_;
    peer_observer& observer_;
    time_source& time_;
    continuation_time absence_;
    continuation_pauses pauses_;
};

} // namespace parley::detail
