// One timer for an object that has many deadlines. Private to the framework.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/async/time_source.hpp>

#include <functional>

namespace parley::detail {

// Calls a function at the earliest of the deadlines that were armed, or a little later. Not thread-safe: all
// members are called on the executor. Destroying it is safe at any time, also inside its own call.
class deadline_timer {
public:
    // `on_due` is called on `ex`. It looks for what is due, since its deadline may have moved, and arms the
    // next deadline. `time` outlives the timer.
    deadline_timer(executor ex, time_source& time, std::function<void()> on_due);
    deadline_timer(const deadline_timer&) = delete;
    deadline_timer& operator=(const deadline_timer&) = delete;
    ~deadline_timer();

    time_point now() const noexcept;
    // Does nothing unless `when` is earlier than what is armed: a call that comes too early costs less than
    // moving the timer for every deadline that goes.
    void arm(time_point when);
    void cancel();

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace parley::detail
