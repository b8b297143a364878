// One timer for an object with many deadlines. Private to the framework.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/async/time_source.hpp>

#include <functional>

namespace parley::detail {

// Calls a function at the earliest armed deadline, or a little later. Not thread-safe: call all members on
// the executor. It may be destroyed at any time, also within its own call.
class deadline_timer {
public:
    // Calls `on_due` on `ex`. `on_due` must check which deadlines have passed, since they may have moved, and
    // arm the next one. `time` must outlive the timer.
    deadline_timer(executor ex, time_source& time, std::function<void()> on_due);
    deadline_timer(const deadline_timer&) = delete;
    deadline_timer& operator=(const deadline_timer&) = delete;
    ~deadline_timer();

    time_point now() const noexcept;
    // Does nothing unless `when` is earlier than the armed deadline: a call that comes too early costs less
    // than moving the timer for each removed deadline.
    void arm(time_point when);
    void cancel();

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace parley::detail
