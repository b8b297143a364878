#include "relay/rooms/room_workers.hpp"

#include <parley/async/spawn.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <system_error>
#include <thread>

namespace parley::detail {
namespace {

// Blocks all signals in threads that start while it lives: signals are for the program's own threads.
class signals_blocked {
public:
    signals_blocked() noexcept
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

} // namespace

struct room_workers::thread {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread handle;

    void run() noexcept
    {
        for (;;) {
            try {
                context.run();
                return;
            } catch (...) { // a handler ran out of memory: its room has ended, the others go on
                report_exception("room loop", std::current_exception());
            }
        }
    }
};

room_workers::room_workers(executor home, std::size_t count, std::size_t buffer_bytes, time_source& time,
                           const std::shared_ptr<memory_budget>& memory)
{
    const std::size_t max_pipes = pipe_pool::usual_max_lent();
    workers_.reserve(std::max<std::size_t>(count, 1));
    workers_.push_back(
        {nullptr, std::make_unique<room_worker>(std::move(home), buffer_bytes, max_pipes, time)});
    workers_.front().loop->memory = memory;
    const signals_blocked blocked;
    while (workers_.size() < count) {
        auto runs = std::make_unique<thread>();
        auto loop =
            std::make_unique<room_worker>(runs->context.get_executor(), buffer_bytes, max_pipes, time);
        loop->memory = memory;
        try {
            runs->handle = std::thread{[&on = *runs] { on.run(); }};
        } catch (const std::system_error&) {
            break;
        }
        workers_.push_back({std::move(runs), std::move(loop)});
    }
}

room_workers::~room_workers()
{
    for (worker& each : workers_) {
        if (!each.runs) continue;
        each.runs->context.stop();
        each.runs->handle.join();
        each.loop->stop_watching();
        each.runs.reset(); // and the rooms left in it, which use the loop
    }
}

void room_workers::set_limits(const relay_limits& limits)
{
    relay_limits part = limits;
    part.bytes_per_second /= static_cast<double>(workers_.size());
    for (worker& each : workers_) {
        if (each.runs)
            asio::post(each.loop->ex, [loop = each.loop.get(), part] { loop->set_limits(part); });
        else
            each.loop->set_limits(part);
    }
}

room_worker& room_workers::enter(any_stream& a, any_stream& b)
{
    // Of equal loops take the last: the first also has the handshakes.
    worker* chosen = &*std::min_element(workers_.rbegin(), workers_.rend(),
                                        [](const worker& x, const worker& y) { return x.rooms < y.rooms; });
    if (chosen->runs && a.can_move() && b.can_move()) {
        for (any_stream* const stream : {&a, &b}) {
            const error_code error = stream->move_to(chosen->loop->ex);
            if (error) stream->close(); // the room sees a closed stream
        }
    } else {
        chosen = &workers_.front();
    }
    ++chosen->rooms;
    return *chosen->loop;
}

void room_workers::leave(const room_worker& loop) noexcept
{
    for (worker& each : workers_)
        if (each.loop.get() == &loop) --each.rooms;
}

} // namespace parley::detail
