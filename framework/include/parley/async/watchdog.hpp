// One timer a connection that ends it when nothing has happened for too long, or when a deadline comes.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/async/time_source.hpp>

#include <functional>
#include <memory>

namespace parley {

// Calls a function once when no kick() came for `timeout`. A kick costs one reading of the clock, not a
// change of the timer. Destroying it disarms it. Not thread-safe: use it on its executor.
class watchdog {
public:
    // Armed at once. `on_timeout` is called from the executor, at most once, and may destroy the watchdog. A
    // timeout of duration::max() never comes. `time` outlives the watchdog.
    watchdog(executor ex, duration timeout, std::function<void()> on_timeout,
             time_source& time = real_time());
    // Closes `stream`, which outlives the watchdog, so that what is under way there ends with
    // operation_aborted. Works for all that has get_executor() and close().
    template <class Stream>
    watchdog(Stream& stream, duration timeout, time_source& time = real_time())
        : watchdog(stream.get_executor(), timeout, [&stream] { stream.close(); }, time)
    {
    }
    watchdog(watchdog&&) noexcept;
    watchdog& operator=(watchdog&&) noexcept;
    ~watchdog();

    void kick() noexcept;               // something happened: count from now
    void set_timeout(duration timeout); // count from now, with another timeout
    void disarm() noexcept;             // never fire
    // Whether it has fired: an operation_aborted after that is really timed_out.
    bool fired() const noexcept;
    // `error`, or timed_out in its place when the watchdog has fired and `error` is set.
    error_code explain(error_code error) const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
