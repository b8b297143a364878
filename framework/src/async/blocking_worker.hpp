// Work that blocks, away from the thread of the coroutines: reading, hashing, compressing and writing a
// document. Private to the framework.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace parley::detail {

// Runs jobs one after another on another executor, and tells of each end at home. Used at home only; `done`
// runs there, too, and never once the destructor has begun.
class blocking_worker {
public:
    // `away` may be a pool's; an empty one stands for a thread of its own (or, when the system has none to
    // give, for home).
    blocking_worker(executor home, executor away);
    // Waits for the job that runs; those not begun are dropped. What the jobs borrow outlives this.
    ~blocking_worker();
    blocking_worker(const blocking_worker&) = delete;
    blocking_worker& operator=(const blocking_worker&) = delete;

    // `work` must not throw.
    void submit(std::function<void()> work, std::function<void()> done);

private:
    struct state;
    class registry;
    registry& registry_;
    std::shared_ptr<state> state_;
    std::optional<asio::thread_pool> own_;
};

} // namespace parley::detail
