// Something that coroutines wait for, and that the same thread or strand signals.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/time.hpp>

#include <boost/asio/steady_timer.hpp>

namespace parley {

enum class event_reset {
    automatic, // a wait that ends resets the event: at most one coroutine waits at a time
    manual,    // it stays signaled: any number of coroutines may wait
};

// A signal before the wait counts. All calls come from the executor's thread or strand. The event outlives
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

    // Returns once it is signaled. A cancellation does not end it, if the coroutine has called
    // throw_if_cancelled(false): for a coroutine that lends something to what it waits for.
    awaitable<void> wait();
    // Returns once it is signaled or a cancellation comes.
    awaitable<void> wait_or_cancelled();

private:
    asio::steady_timer timer_; // never expires; signal() cancels the waits
    event_reset reset_;
    bool signaled_ = false;
};

} // namespace parley
