#include <parley/async/time_source.hpp>

namespace parley {

time_source& real_time() noexcept
{
    class steady_clock_time final : public time_source {
        time_point now() const noexcept override { return clock::now(); }
        void expire_at(const std::shared_ptr<asio::steady_timer>& timer, time_point when) override
        {
            timer->expires_at(when);
        }
    };
    static steady_clock_time time;
    return time;
}

} // namespace parley
