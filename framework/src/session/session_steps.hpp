// Helpers for every session operation. Private to the framework.
#pragma once

#include <parley/session/peer_session.hpp>

namespace parley::detail {

// Whether the calling coroutine was cancelled (terminal). Check it after every step: after
// throw_if_cancelled(false), a cancellation does not affect an operation that starts later.
awaitable<bool> is_cancelled();

// Suspends once. When a coroutine is cancelled and ends without having been suspended, Asio's co_spawn throws
// into the event loop.
awaitable<void> yield(executor ex);

// Makes a failure of `phase` from `code`. Replaces operation_aborted by `cancelled`.
operation_error failure(error_code code, session_phase phase, std::string where, std::string detail = {});

// The result of a step: `error`, or `cancelled` when the calling coroutine was cancelled.
awaitable<operation_error> step_result(error_code error, session_phase phase, std::string where);

// Translates an error of the room's connection: it means that the peer or the relay has left. Keeps errors
// that say more.
error_code as_peer_disconnected(error_code error);

// The source of random numbers of a session.
random_source& random_of(const session_options& options);

} // namespace parley::detail
