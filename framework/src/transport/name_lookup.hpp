// Runs blocking look-ups on threads that nobody waits for. Private to the framework.
//
// The system's getaddrinfo cannot be stopped. On a thread of an execution context it holds up the context's
// run() and its destructor. The threads here are detached, and each look-up owns all that it touches.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include <functional>
#include <string>
#include <vector>

namespace parley::detail {

// Returns the addresses of `host` with `port`. It may run on after its caller has been destroyed, so it owns
// what it uses.
using blocking_lookup =
    std::function<result<std::vector<tcp_endpoint>>(const std::string& host, std::uint16_t port)>;

// getaddrinfo. Errors: name_not_resolved; names_unavailable when no name server answers, or the system lacks
// something.
result<std::vector<tcp_endpoint>> look_up_by_system(const std::string& host, std::uint16_t port);

// This many look-ups run at the same time in a process. Others wait for one of them.
inline constexpr std::size_t max_lookup_threads = 16;

// Runs `look_up` on another thread, and ends at once after `timeout` or a cancellation. Errors: those of
// `look_up`; timed_out; cancelled; names_unavailable when the system gives no thread.
awaitable<result<std::vector<tcp_endpoint>>> look_up_on_thread(blocking_lookup look_up, std::string host,
                                                               std::uint16_t port, duration timeout);

} // namespace parley::detail
