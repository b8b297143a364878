// The one way to start a coroutine: whatever escapes from it is reported, never swallowed.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace parley {

// Told of an exception that escaped from the coroutine `name`; `what` is its text.
using exception_reporter = std::function<void(std::string_view name, std::string_view what)>;

// Sets where reports go, for the whole process: standard error at first. Not thread-safe: call it at the
// start.
void set_exception_reporter(exception_reporter reporter);
// Reports `failure`, if it is not null, as escaped from `name`. Cancellation (operation_aborted) is no
// failure.
void report_exception(std::string_view name, std::exception_ptr failure) noexcept;

// Runs `work` on `ex` until it ends; it starts in a later turn of the loop. `name` (static storage) says in a
// report which coroutine it was.
void spawn(executor ex, awaitable<void> work, std::string_view name);

// The same for a function or lambda that returns awaitable<void>: it is kept alive as long as the coroutine,
// so that its captures may be used. Pass the lambda itself, never its result.
template <class Function>
    requires std::same_as<std::invoke_result_t<Function>, awaitable<void>>
void spawn(executor ex, Function work, std::string_view name)
{
    asio::co_spawn(std::move(ex), std::move(work),
                   [name](std::exception_ptr failure) { report_exception(name, failure); });
}

} // namespace parley
