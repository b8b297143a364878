// Ends a connection after a time without activity, or at a deadline, with one timer.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/async/time_source.hpp>

#include <functional>
#include <memory>

namespace parley {

// Calls a function once when no kick() came for `timeout`. A kick reads the clock and does not touch the
// timer. The destructor disarms it. Not thread-safe: use it on its executor.
class watchdog {
public:
    // Starts at once. Calls `on_timeout` on the executor, at most once; it may destroy the watchdog. A timeout of
    // duration::max() never passes. `time` must outlive the watchdog.
    watchdog(executor ex, duration timeout, std::function<void()> on_timeout,
             time_source& time = real_time());
    // Closes `stream`, which must outlive the watchdog, so that its pending operations end with
    // operation_aborted. `Stream` is any type with get_executor() and close().
    template <class Stream>
    watchdog(Stream& stream, duration timeout, time_source& time = real_time())
        : watchdog(stream.get_executor(), timeout, [&stream] { stream.close(); }, time)
    {
    }
    watchdog(watchdog&&) noexcept;
    watchdog& operator=(watchdog&&) noexcept;
    ~watchdog();

    void kick() noexcept;               // counts the timeout from now
    void set_timeout(duration timeout); // counts another timeout from now
    void disarm() noexcept;             // never calls the function
    // Whether the time has passed: an operation_aborted after that means timed_out.
    bool fired() const noexcept;
    // timed_out when the time has passed and `error` is set; otherwise `error`.
    error_code explain(error_code error) const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
