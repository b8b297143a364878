#include "net/offload.hpp"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>

namespace parley::detail {

struct offload::state : std::enable_shared_from_this<state> {
    struct job {
        std::function<void()> work, done;
    };

    state(executor h, executor a) : home(std::move(h)), away(std::move(a)) {}

    void run_one();
    void next();

    executor home, away;
    std::mutex mutex; // guards what follows
    std::condition_variable rest;
    std::deque<job> jobs;
    bool scheduled = false; // a run_one() is on its way
    bool working = false;
    bool abandoned = false;
};

offload::offload(executor home, executor away)
{
    if (!away) {
        try {
            own_.emplace(std::size_t{1});
            away = own_->get_executor();
        } catch (const std::system_error&) { // no thread to be had: slower, but it goes on
            own_.reset();
            away = home;
        }
    }
    state_ = std::make_shared<state>(std::move(home), std::move(away));
}

offload::~offload()
{
    std::deque<state::job> dropped;
    {
        std::unique_lock lock{state_->mutex};
        state_->abandoned = true;
        dropped.swap(state_->jobs);
        state_->rest.wait(lock, [this] { return !state_->working; });
    }
    if (own_) own_->join();
}

void offload::submit(std::function<void()> work, std::function<void()> done)
{
    {
        const std::lock_guard lock{state_->mutex};
        state_->jobs.push_back({std::move(work), std::move(done)});
        if (std::exchange(state_->scheduled, true)) return;
    }
    state_->next();
}

void offload::state::next()
{
    asio::post(away, [self = shared_from_this()] { self->run_one(); });
}

void offload::state::run_one()
{
    job current;
    {
        const std::lock_guard lock{mutex};
        if (abandoned || jobs.empty()) {
            scheduled = false;
            return;
        }
        current = std::move(jobs.front());
        jobs.pop_front();
        working = true;
    }
    current.work();
    bool more = false;
    {
        const std::lock_guard lock{mutex};
        working = false;
        // Under the lock: once it is abandoned home may be on its way out.
        if (!abandoned)
            asio::post(home, [self = shared_from_this(), done = std::move(current.done)] {
                if (!self->abandoned) done();
            });
        more = scheduled = !abandoned && !jobs.empty();
    }
    rest.notify_all();
    if (more) next();
}

awaitable<void> doorbell::wait()
{
    while (!rung_) co_await timer_.async_wait(use_tuple);
    rung_ = false;
}

awaitable<void> doorbell::wait_or_cancelled()
{
    if (!rung_) co_await timer_.async_wait(use_tuple);
    rung_ = false;
}

} // namespace parley::detail
