// Runs blocking work on another executor than the coroutines: reading, hashing, compressing and writing a
// document. Private to the framework.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace parley::detail {

// Runs jobs one after another on `worker_executor`, and reports the end of each on `io_executor`. Use
// it on `io_executor` only. `done` runs there, too, and never after the destructor has begun.
class blocking_worker {
public:
    // `worker_executor` may belong to a pool. When it is empty, the worker starts its own thread; it uses
    // `io_executor` if the system gives no thread.
    blocking_worker(executor io_executor, executor worker_executor);
    // Waits for the running job, and drops the others. Whatever the jobs use must outlive the worker.
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
