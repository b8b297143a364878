// Starts coroutines, and reports every exception that escapes from one.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

// Called with an exception that escaped from the coroutine `name`; `what` is its text.
using exception_reporter = std::function<void(std::string_view name, std::string_view what)>;

// Sets the reporter of the whole process; by default it writes to standard error. Not thread-safe: call it at
// the start.
void set_exception_reporter(exception_reporter reporter);
// Reports `failure`, if it is not null, as escaped from `name`. Does not report a cancellation
// (operation_aborted).
void report_exception(std::string_view name, std::exception_ptr failure) noexcept;

// Runs `work` on `ex` until it ends. It starts in a later turn of the loop. `name` (static storage)
// identifies the coroutine in a report.
void spawn(executor ex, awaitable<void> work, std::string_view name);

// The same for a function or lambda that returns awaitable<void>. The function lives as long as the
// coroutine, so it may use its captures. Pass the lambda itself, never its result.
template <class Function>
    requires std::same_as<std::invoke_result_t<Function>, awaitable<void>>
void spawn(executor ex, Function work, std::string_view name)
{
    asio::co_spawn(std::move(ex), std::move(work),
                   [name](std::exception_ptr failure) { report_exception(name, failure); });
}

} // namespace parley
