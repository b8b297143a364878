// An event that coroutines wait for and that code on the same thread or strand signals.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <boost/asio/steady_timer.hpp>

namespace parley {

enum class event_reset {
    automatic, // the end of a wait resets the event: at most one coroutine waits at a time
    manual,    // it stays signaled: any number of coroutines may wait
};

// A signal before the wait counts. Make all calls on the executor's thread or strand. The event must outlive
// its waits.
class event {
public:
    explicit event(const executor& ex, event_reset reset = event_reset::automatic)
        : timer_(ex, time_point::max()), reset_(reset)
    {
    }

    executor get_executor() { return timer_.get_executor(); }

    void signal()
    {
        signaled_ = true;
        timer_.cancel();
    }
    bool is_signaled() const noexcept { return signaled_; }

    // Returns after a signal. If the coroutine has called throw_if_cancelled(false), a cancellation does not
    // end the wait; use it when the signaling code borrows from the coroutine.
    awaitable<void> wait();
    // Returns after a signal or a cancellation.
    awaitable<void> wait_or_cancelled();

private:
    asio::steady_timer timer_; // never expires; signal() cancels the waits
    event_reset reset_;
    bool signaled_ = false;
};

} // namespace parley
