// Runs coroutines to their end in a test, without a sleep and without hanging for ever.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <variant>

namespace parley::testing {

// Thrown by run_until_done when the work has not ended in time, or has nothing left to wait for.
struct not_done : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Only a test that fails takes so long.
inline constexpr duration test_patience = std::chrono::minutes{5};

// Runs `context` until it is out of work. False when that has not happened within `limit`.
bool drain(asio::io_context& context, duration limit = test_patience);

// Runs the coroutine `work` (a function or lambda that returns awaitable<T>, kept alive) on `context` until
// it ends, and gives its result; an exception that escapes from it is thrown here. Other work of the context
// goes on meanwhile.
template <class Function>
auto run_until_done(asio::io_context& context, Function work, duration limit = test_patience)
{
    using value = typename std::invoke_result_t<Function>::value_type;
    using stored = std::conditional_t<std::is_void_v<value>, std::monostate, value>;
    // Shared, since work that has not ended in time may end later.
    struct outcome {
        std::exception_ptr failure;
        std::optional<stored> result;
        bool done = false;
    };
    const auto end = std::make_shared<outcome>();
    if constexpr (std::is_void_v<value>) {
        asio::co_spawn(context, std::move(work), [end](std::exception_ptr e) {
            end->failure = e;
            end->done = true;
        });
    } else {
        asio::co_spawn(context, std::move(work), [end](std::exception_ptr e, value v) {
            end->failure = e;
            if (!e) end->result.emplace(std::move(v));
            end->done = true;
        });
    }
    context.restart();
    const time_point last = clock::now() + limit;
    while (!end->done) {
        const time_point now = clock::now();
        if (now >= last) throw not_done{"the coroutine has not ended in time"};
        if (context.run_one_for(last - now) == 0 && !end->done && context.stopped())
            throw not_done{"the coroutine waits for something that cannot come"};
    }
    if (end->failure) std::rethrow_exception(end->failure);
    if constexpr (!std::is_void_v<value>) return std::move(*end->result);
}

} // namespace parley::testing
