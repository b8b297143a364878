// Small steps of every session operation. Private to the framework.
#pragma once

#include <parley/session/peer_session.hpp>

namespace parley::detail {

// Whether the calling coroutine was asked to end (terminal). Asked after every step: with
// throw_if_cancelled(false) an operation that starts after the request is not cancelled by it.
awaitable<bool> is_cancelled();

// Suspends once. Asio's co_spawn throws into the loop when a coroutine is cancelled and ends without ever
// having been suspended.
awaitable<void> yield(executor ex);

// `code` as a failure of `phase`; an operation_aborted is the user's `cancelled`.
operation_error failure(error_code code, session_phase phase, std::string where, std::string detail = {});

// How a step ended: with `error`, or with `cancelled` if the calling coroutine was asked to end.
awaitable<operation_error> step_result(error_code error, session_phase phase, std::string where);

// What an error of the room's connection means there: the peer, or the relay between, has gone. Errors that
// say more are kept.
error_code as_peer_disconnected(error_code error);

// The random numbers of a session.
random_source& random_of(const session_options& options);

} // namespace parley::detail
