#include "async/blocking_worker.hpp"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>

namespace parley::detail {

struct blocking_worker::state : std::enable_shared_from_this<state> {
    struct job {
        std::function<void()> work, done;
    };

    state(executor io, executor worker) : io_executor(std::move(io)), worker_executor(std::move(worker)) {}

    void run_one();
    void next();
    void abandon();

    executor io_executor, worker_executor;
    std::mutex mutex; // guards what follows
    std::condition_variable rest;
    std::deque<job> jobs;
    bool scheduled = false; // a run_one() is posted
    bool working = false;
    bool abandoned = false;
};

// While the I/O executor's context is destroyed, nothing may be posted to it. It destroys its services
// before its queue, so this service learns of it in time.
class blocking_worker::registry final : public asio::execution_context::service {
public:
    using key_type = registry;
    static asio::execution_context::id id;

    explicit registry(asio::execution_context& context) : service(context) {}
    void add(state* s)
    {
        const std::lock_guard lock{mutex_};
        all_.insert(s);
    }
    void remove(state* s)
    {
        const std::lock_guard lock{mutex_};
        all_.erase(s);
    }

private:
    void shutdown() override
    {
        const std::lock_guard lock{mutex_};
        for (state* s : all_) s->abandon();
    }

    std::mutex mutex_;
    std::set<state*> all_;
};

asio::execution_context::id blocking_worker::registry::id;

blocking_worker::blocking_worker(executor io_executor, executor worker_executor)
    : registry_(asio::use_service<registry>(asio::query(io_executor, asio::execution::context)))
{
    if (!worker_executor) {
        try {
            own_.emplace(std::size_t{1});
            worker_executor = own_->get_executor();
        } catch (const std::system_error&) { // no thread available: slower, but it works
            own_.reset();
            worker_executor = io_executor;
        }
    }
    state_ = std::make_shared<state>(std::move(io_executor), std::move(worker_executor));
    registry_.add(state_.get());
}

blocking_worker::~blocking_worker()
{
    registry_.remove(state_.get());
    state_->abandon();
    if (own_) own_->join();
}

// After its return no job runs or starts, and nothing more is posted to the I/O executor.
void blocking_worker::state::abandon()
{
    std::deque<job> dropped;
    std::unique_lock lock{mutex};
    abandoned = true;
    dropped.swap(jobs);
    rest.wait(lock, [this] { return !working; });
}

void blocking_worker::submit(std::function<void()> work, std::function<void()> done)
{
    {
        const std::lock_guard lock{state_->mutex};
        state_->jobs.push_back({std::move(work), std::move(done)});
        if (std::exchange(state_->scheduled, true)) return;
    }
    state_->next();
}

void blocking_worker::state::next()
{
    asio::post(worker_executor, [self = shared_from_this()] { self->run_one(); });
}

void blocking_worker::state::run_one()
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
        // Holds the lock: after abandon() the I/O executor may be destroyed.
        if (!abandoned)
            asio::post(io_executor, [self = shared_from_this(), done = std::move(current.done)] {
                if (!self->abandoned) done();
            });
        more = scheduled = !abandoned && !jobs.empty();
    }
    rest.notify_all();
    if (more) next();
}

} // namespace parley::detail
