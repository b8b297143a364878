// Connects two peers (PROTOCOL.md sections 4 and 6). Private to the framework.
//
//     connect ──▶ handshake ──▶ agreement ──▶ room (same address, room port)
//
// One peer offers: it is the server, and waits for a client without asking its user. The other peer joins: it
// is the client, and asks its user about one server at a time.
//
// A peer that has waited at the relay and loses it begins again with a new connection, as long as
// is_worth_another_try() and its wait_timeout allow.
#pragma once

#include "session/session_steps.hpp"

#include <parley/proto/agreement.hpp>
#include <parley/proto/client_machine.hpp>
#include <parley/session/reconnection.hpp>
#include <parley/stream/driver.hpp>
#include <parley/transport/transport.hpp>

namespace parley::detail {

// A room that both peers are in.
struct entered_room {
    any_stream stream;
    agreement agreed;
};

// Takes one peer into one room. The options and the observer must outlive it. Not thread-safe: everything
// runs on the executor of the calling coroutine, and the observer's functions do, too. That coroutine must
// have called throw_if_cancelled(false): after a cancellation each step still closes what it has opened.
//
// Errors, by phase: preparing - of offer() alone, invalid_public_packet and crypto_unavailable; connecting -
// those of connect(), timed_out also for a relay that does not answer the hello; handshake - timed_out, those
// of the machine, refused_by_user; entering - those of connect(), timed_out, room_*. Cancellation (terminal):
// `cancelled` in any phase, and no connection stays open.
class rendezvous {
public:
    rendezvous(const session_options& options, peer_observer& observer);

    using connect_step_handler = std::function<void(const connect_step_report&)>;

    // Connects to the relay's handshake channel, at the address `reached` if it is set. Optional: offer() and
    // join() connect if the caller did not. `on_step` is that of connect_options.
    awaitable<operation_error> connect(std::optional<tcp_endpoint> reached = std::nullopt,
                                       connect_step_handler on_step = {});
    // The address of that connection; nullopt when its transport has none.
    const std::optional<tcp_endpoint>& reached() const noexcept { return reached_; }

    // Meets a client that speaks one of `versions`; the keys of the agreement tell which. Fills in the salt of
    // `parameters`. Closing the room's stream ends it in order: a reset makes some relays fail for all their peers.
    awaitable<operation_result<entered_room>> offer(secret_bytes password, public_parameters parameters,
                                                    session_versions versions = session_versions::only_1);

    // Meets a server that observer.decide() accepts (of version 1) or that knows the password (of version 2). With
    // `refusal_ends`, a refusal ends the operation with refused_by_user; otherwise the wait continues. Closing the
    // room's stream of version 1 resets it, until reset_on_close(false): the sender must not take the death of this
    // process for an end in order.
    awaitable<operation_result<entered_room>> join(secret_bytes password, client_options limits,
                                                   bool refusal_ends);

    // After a failure of phase entering: what was agreed on. A session of version 2 is then continued by its owner, not
    // here.
    const std::optional<agreement>& agreed() const noexcept { return agreement_; }

private:
    awaitable<operation_result<entered_room>>
    offer_once(const secret_bytes& password, public_parameters parameters, session_versions versions);
    awaitable<operation_result<entered_room>> join_once(const secret_bytes& password, client_options limits,
                                                        bool refusal_ends);
    awaitable<operation_error> pause_after(const operation_error& failed);
    awaitable<operation_result<any_stream>> open(stream_kind kind, connect_step_handler on_step);
    awaitable<operation_result<entered_room>> enter(error_code error, bool reset_on_close);
    void on_identified(const identity& self, driver_base& handshake);
    driver_options handshake_options() const;
    duration wait_left() const;
    bool is_continued_elsewhere(const operation_error& failed) const noexcept
    {
        return failed.phase == session_phase::entering && agreement_ && agreement_->keys.version() == 2;
    }

    const session_options& options_;
    peer_observer& observer_;
    time_source& time_;
    const seat_token seat_; // both connections present it when they are WebSockets
    reconnect_pauses pauses_;
    any_stream stream_; // of the handshake, after connect()
    std::optional<tcp_endpoint> reached_;
    std::optional<agreement> agreement_;
    std::optional<time_point> wait_ends_;    // from the first connection on
    std::optional<time_point> waiting_from_; // on the newest connection; unset until the relay has answered
    bool has_waited_ = false;                // on any connection
    std::uint64_t guesses_ = 0;              // that have failed, on all connections
};

} // namespace parley::detail
