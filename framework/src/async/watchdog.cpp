#include <parley/async/watchdog.hpp>

#include <boost/asio/steady_timer.hpp>

namespace parley {

// Shared with the timer's handler, which may come after the watchdog is gone.
struct watchdog::state : std::enable_shared_from_this<watchdog::state> {
    state(executor ex, std::function<void()> b) : timer(std::move(ex)), bite(std::move(b)) {}

    void arm(duration after)
    {
        timeout = after;
        if (after == duration::max()) {
            due = no_deadline;
            timer.cancel();
            return;
        }
        due = clock::now() + after;
        wait();
    }

    void wait()
    {
        timer.expires_at(due);
        timer.async_wait([weak = weak_from_this()](error_code error) {
            const auto self = weak.lock();
            if (!error && self && self->bite) self->expired();
        });
    }

    // Kicks only move `due`, so the timer often comes early.
    void expired()
    {
        if (due == no_deadline) return;
        if (clock::now() < due) return wait();
        fired = true;
        const auto call = std::exchange(bite, nullptr);
        call();
    }

    asio::steady_timer timer;
    std::function<void()> bite;
    duration timeout = duration::max();
    time_point due = no_deadline;
    bool fired = false;
};

watchdog::watchdog(executor ex, duration timeout, std::function<void()> bite)
    : state_(std::make_shared<state>(std::move(ex), std::move(bite)))
{
    state_->arm(timeout);
}

watchdog::watchdog(watchdog&&) noexcept = default;

watchdog& watchdog::operator=(watchdog&& other) noexcept
{
    if (this != &other) {
        disarm();
        state_ = std::move(other.state_);
    }
    return *this;
}

watchdog::~watchdog()
{
    disarm();
}

void watchdog::kick() noexcept
{
    if (state_->due != no_deadline) state_->due = clock::now() + state_->timeout;
}

void watchdog::set_timeout(duration timeout)
{
    if (state_->bite) state_->arm(timeout);
}

void watchdog::disarm() noexcept
{
    if (!state_) return;
    state_->bite = nullptr;
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
