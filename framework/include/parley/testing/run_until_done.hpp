// Runs coroutines to their end in a test, without a sleep and without hanging for ever.
#pragma once

#include <parley/base/time.hpp>
#include <parley/net/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <stdexcept>

namespace parley::testing {

// Thrown by run_until_done when the work has not ended in time, or has nothing left to wait for.
struct not_done : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Runs `context` until it is out of work. False when that has not happened within `limit`.
bool drain(asio::io_context& context, duration limit = std::chrono::seconds{20});

// Runs the coroutine `work` (a function or lambda that returns awaitable<T>, kept alive) on `context` until
// it ends, and gives its result; an exception that escapes from it is thrown here. Other work of the context
// goes on meanwhile.
template <class Function>
auto run_until_done(asio::io_context& context, Function work, duration limit = std::chrono::seconds{20})
{
    using value = typename std::invoke_result_t<Function>::value_type;
    std::exception_ptr failure;
    bool done = false;
    const auto run = [&] {
        context.restart();
        const time_point end = clock::now() + limit;
        while (!done) {
            const time_point now = clock::now();
            if (now >= end) throw not_done{"the coroutine has not ended in time"};
            if (context.run_one_for(end - now) == 0 && !done && context.stopped())
                throw not_done{"the coroutine waits for something that cannot come"};
        }
        if (failure) std::rethrow_exception(failure);
    };
    if constexpr (std::is_void_v<value>) {
        asio::co_spawn(context, std::move(work), [&](std::exception_ptr e) {
            failure = e;
            done = true;
        });
        run();
    } else {
        std::optional<value> result;
        asio::co_spawn(context, std::move(work), [&](std::exception_ptr e, value v) {
            failure = e;
            if (!e) result.emplace(std::move(v));
            done = true;
        });
        run();
        return std::move(*result);
    }
}

} // namespace parley::testing
