// Time that passes only when a test says so.
#pragma once

#include <parley/async/time_source.hpp>

#include <map>

namespace parley::testing {

// Starts one day after the epoch, so that subtracting an hour is safe. The handlers of waits that have become
// due are posted to their executors. Not thread-safe; outlives what uses it.
class virtual_clock final : public time_source {
public:
    time_point now() const noexcept override { return now_; }
    void expire_at(const std::shared_ptr<asio::steady_timer>& timer, time_point when) override
    {
        std::erase_if(waits_, [&](const auto& wait) {
            const auto& other = wait.second;
            return other.expired() || (!other.owner_before(timer) && !timer.owner_before(other));
        });
        if (when > now_ && when != no_deadline) waits_.emplace(when, timer);
        timer->expires_at(when > now_ ? no_deadline : time_point{});
    }

    void advance(duration by) { advance_to(now_ + by); }
    // Goes on to `when`; never back.
    void advance_to(time_point when)
    {
        if (when > now_) now_ = when;
        while (!waits_.empty() && waits_.begin()->first <= now_) {
            if (const auto timer = waits_.begin()->second.lock()) timer->cancel();
            waits_.erase(waits_.begin());
        }
    }
    // When the earliest wait is due; no_deadline when nothing waits.
    time_point next_deadline() const noexcept
    {
        for (const auto& [when, timer] : waits_)
            if (!timer.expired()) return when;
        return no_deadline;
    }

private:
    time_point now_{std::chrono::hours{24}};
    std::multimap<time_point, std::weak_ptr<asio::steady_timer>> waits_; // by when they are due
};

} // namespace parley::testing
