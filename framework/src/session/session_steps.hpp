// The steps that a sender and a receiver have in common, each a function of what they are given. Private to
// the framework.
#pragma once

#include <parley/session/peer_session.hpp>
#include <parley/stream/driver.hpp>
#include <parley/transport/connect.hpp>

namespace parley::detail {

// Whether the calling coroutine was asked to end (terminal). Asked after every step: with
// throw_if_cancelled(false) an operation that starts after the request is not cancelled by it.
awaitable<bool> is_cancelled();

// Suspends once. Asio's co_spawn throws into the loop when a coroutine is cancelled and ends without ever
// having been suspended.
awaitable<void> yield(executor ex);

// `code` as a failure of `phase`; an operation_aborted is the user's `cancelled`.
operation_error failure(error_code code, session_phase phase, std::string where, std::string detail = {});

// What an error of the room's connection means there: the peer, or the relay between, has gone. Errors that
// say more are kept.
error_code as_peer_disconnected(error_code error);

// The seat of a new session, which both of its connections present where they are WebSockets.
seat_token new_seat(const session_options& options);

// How the session with that seat connects.
connect_options connecting_options(const session_options& options, const seat_token& seat);

// Connects to the relay's handshake channel and tells the observer.
awaitable<operation_result<any_stream>> connect_handshake(const session_options& options, seat_token seat,
                                                          peer_observer& observer);

// A room that both peers are in.
struct entered_room {
    any_stream stream;
    byte_vector early; // bytes of the other peer that came with the answer
};

// What the other peer sees when the connection of a room is closed here, or this process dies.
enum class room_end {
    in_order,
    reset, // until the stream is told otherwise
};

// Opens the room at `reached`, the address of the handshake, asks for `peer` and waits until both are there.
awaitable<operation_result<entered_room>> enter_room(const session_options& options, seat_token seat,
                                                     std::optional<tcp_endpoint> reached,
                                                     const identity& peer, room_end end);

} // namespace parley::detail
