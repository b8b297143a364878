#include <parley/async/watchdog.hpp>

#include "async/deadline_timer.hpp"

namespace parley {

struct watchdog::state {
    state(executor ex, time_source& time, std::function<void()> b)
        : timer(std::move(ex), time, [this] { expired(); }), on_timeout(std::move(b))
    {
    }

    void arm(duration after)
    {
        timeout = after;
        due = after == duration::max() ? no_deadline : timer.now() + after;
        timer.arm(due);
    }

    // Kicks only move `due`, so the timer often fires early.
    void expired()
    {
        if (timer.now() < due) return timer.arm(due);
        fired = true;
        const auto call = std::exchange(on_timeout, nullptr);
        call();
    }

    detail::deadline_timer timer;
    std::function<void()> on_timeout;
    duration timeout = duration::max();
    time_point due = no_deadline;
    bool fired = false;
};

watchdog::watchdog(executor ex, duration timeout, std::function<void()> on_timeout, time_source& time)
    : state_(std::make_unique<state>(std::move(ex), time, std::move(on_timeout)))
{
    state_->arm(timeout);
}

watchdog::watchdog(watchdog&&) noexcept = default;
watchdog& watchdog::operator=(watchdog&&) noexcept = default;
watchdog::~watchdog() = default;

void watchdog::kick() noexcept
{
    if (state_->due != no_deadline) state_->due = state_->timer.now() + state_->timeout;
}

void watchdog::set_timeout(duration timeout)
{
    if (state_->on_timeout) state_->arm(timeout);
}

void watchdog::disarm() noexcept
{
    state_->on_timeout = nullptr;
    state_->timer.cancel();
}

bool watchdog::fired() const noexcept
{
    return state_->fired;
}

error_code watchdog::explain(error_code error) const noexcept
{
    return error && fired() ? make_error_code(errc::timed_out) : error;
}

} // namespace parley
