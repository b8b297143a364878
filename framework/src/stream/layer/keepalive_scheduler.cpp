#include "stream/layer/keepalive_scheduler.hpp"

#include <boost/asio/post.hpp>

namespace parley::detail {

keepalive_scheduler& keepalive_scheduler::of(const executor& ex)
{
    return asio::use_service<keepalive_scheduler>(asio::query(ex, asio::execution::context));
}

void keepalive_scheduler::add(entry& e)
{
    const auto who = e.who.lock();
    if (!who) return;
    const std::lock_guard lock{mutex_};
    e.due = clock::now() + e.interval;
    entries_.insert(&e);
    arm(executor_of(*who));
}

void keepalive_scheduler::remove(entry& e) noexcept
{
    const std::lock_guard lock{mutex_};
    entries_.erase(&e);
    if (!entries_.empty()) return;
    timer_.reset();
    armed_for_ = no_deadline;
}

// A timer that comes too early finds nothing due and is armed again.
void keepalive_scheduler::arm(const executor& ex)
{
    if (entries_.empty()) return;
    const time_point next = (*entries_.begin())->due;
    if (timer_ && next >= armed_for_) return;
    if (!timer_) timer_.emplace(ex);
    armed_for_ = next;
    timer_->expires_at(next);
    timer_->async_wait([this](error_code error) {
        if (!error) tick();
    });
}

void keepalive_scheduler::tick()
{
    std::vector<std::weak_ptr<layered_core>> due;
    {
        const std::lock_guard lock{mutex_};
        if (!timer_) return;
        armed_for_ = no_deadline;
        const time_point now = clock::now();
        while (!entries_.empty() && (*entries_.begin())->due <= now) {
            entry* e = *entries_.begin();
            entries_.erase(entries_.begin());
            due.push_back(e->who);
            e->due = now + e->interval;
            entries_.insert(e);
        }
        arm(timer_->get_executor());
    }
    for (const auto& weak : due)
        if (const auto who = weak.lock())
            asio::post(executor_of(*who), [weak, on = executor_of(*who)] {
                const auto alive = weak.lock();
                if (alive && executor_of(*alive) == on) check_alive(*alive); // else it has moved meanwhile
            });
}

void keepalive_scheduler::shutdown()
{
    const std::lock_guard lock{mutex_};
    entries_.clear();
    timer_.reset();
}

} // namespace parley::detail
