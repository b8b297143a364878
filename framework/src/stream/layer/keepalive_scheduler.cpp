#include "stream/layer/keepalive_scheduler.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

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

// A timer that fires too early finds nothing due and is armed again.
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
                if (alive && executor_of(*alive) == on) check_alive(*alive); // else it has moved
            });
}

void keepalive_scheduler::shutdown()
{
    const std::lock_guard lock{mutex_};
    entries_.clear();
    timer_.reset();
}

// Pings even when bytes have passed: a proxy between the ends watches each direction separately.
bool pinging_layer::check_alive(bool somebody_reads)
{
    if (std::exchange(heard_, false) || !somebody_reads)
        unanswered_ = 0;
    else if (++unanswered_ >= max_unanswered_)
        return false;
    ping();
    return true;
}

void pinging_layer::watch(const std::shared_ptr<layered_core>& core, const websocket_options& options)
{
    if (options.ping_interval <= duration{} || options.ping_interval == duration::max()) return;
    const auto periods = options.pong_timeout / options.ping_interval;
    max_unanswered_ = static_cast<int>(std::clamp<duration::rep>(periods, 1, 1000));
    pings_.who = core;
    pings_.interval = options.ping_interval;
    clock_ = &keepalive_scheduler::of(executor_of(*core));
    clock_->add(pings_);
}

void pinging_layer::moved()
{
    const auto core = pings_.who.lock();
    if (clock_ == nullptr || !core) return;
    stopped();
    clock_ = &keepalive_scheduler::of(executor_of(*core));
    clock_->add(pings_);
}

void pinging_layer::stopped() noexcept
{
    if (clock_ != nullptr) std::exchange(clock_, nullptr)->remove(pings_);
}

any_stream make_websocket_stream(any_stream below, std::unique_ptr<pinging_layer> layer, stream_kind kind,
                                 const websocket_options& options, const std::optional<seat_token>& seat)
{
    const std::string_view name = below.transport_name() == "tls" ? "wss" : "ws";
    pinging_layer& made = *layer;
    std::shared_ptr<layered_core> core;
    any_stream out = make_layered_stream(std::move(below), std::move(layer),
                                         layered_stream_traits{name, kind, seat}, &core);
    made.watch(core, options);
    return out;
}

} // namespace parley::detail
