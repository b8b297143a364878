#include "async/deadline_timer.hpp"

namespace parley::detail {

// Shared with the handler of the wait, which may run after the timer was destroyed.
struct deadline_timer::state {
    state(executor ex, time_source& t, std::function<void()> call)
        : timer(std::move(ex)), time(t), on_due(std::move(call))
    {
    }

    asio::steady_timer timer;
    time_source& time;
    std::function<void()> on_due;
    time_point due = no_deadline; // a wait is under way unless this is no_deadline
};

deadline_timer::deadline_timer(executor ex, time_source& time, std::function<void()> on_due)
    : state_(std::make_shared<state>(std::move(ex), time, std::move(on_due)))
{
}

deadline_timer::~deadline_timer() = default;

time_point deadline_timer::now() const noexcept
{
    return state_->time.now();
}

void deadline_timer::arm(time_point when)
{
    if (when >= state_->due) return;
    state_->due = when;
    state_->time.expire_at({state_, &state_->timer}, when);
    state_->timer.async_wait([weak = std::weak_ptr<state>{state_}](error_code) {
        const auto self = weak.lock();
        if (!self || self->time.now() < self->due) return; // canceled, or armed for another time
        self->due = no_deadline;
        self->on_due();
    });
}

void deadline_timer::cancel()
{
    if (state_->due == no_deadline) return;
    state_->due = no_deadline;
    state_->time.expire_at({state_, &state_->timer}, no_deadline);
}

} // namespace parley::detail
