// What the rooms of one event loop share. Private to the framework.
#pragma once

#include "async/buffer_pool.hpp"
#include "async/deadline_timer.hpp"
#include "relay/limits/memory_budget.hpp"
#include "relay/rooms/bandwidth_share.hpp"
#include "relay/rooms/splice_pipe.hpp"

#include <parley/async/time_source.hpp>
#include <parley/relay/limits.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>

namespace parley::detail {

// A room as its worker sees it.
class watched_room {
public:
    // Looks after bytes that do not move. Ends no coroutine and registers nothing before it returns.
    virtual void look(time_point now) = 0;

protected:
    ~watched_room() = default;
};

// Use it on its executor only. It must outlive the rooms that run on it.
struct room_worker {
    room_worker(executor on, std::size_t buffer_bytes, std::size_t max_pipes = pipe_pool::usual_max_lent(),
                time_source& t = real_time())
        : ex(std::move(on)), time(t), buffers(buffer_bytes), pipes(max_pipes)
    {
        looks_ = std::make_unique<deadline_timer>(ex, time, [this] { look(); });
    }
    room_worker(const room_worker&) = delete;
    room_worker& operator=(const room_worker&) = delete;

    // Applies to running rooms, too.
    void set_limits(const relay_limits& limits) noexcept
    {
        bandwidth.set_rates(limits.bytes_per_second, limits.room_bytes_per_second);
        room_bytes = limits.room_bytes;
        room_stall = limits.room_stall;
    }

    // Looks at `room` about once a second until unwatch().
    std::list<watched_room*>::iterator watch(watched_room& room)
    {
        const auto out = watched_.insert(watched_.end(), &room);
        arm();
        return out;
    }
    void unwatch(std::list<watched_room*>::iterator room)
    {
        watched_.erase(room);
        if (looks_ && watched_.empty()) looks_->cancel();
    }
    // Before the executor's context is destroyed, which rooms may outlive.
    void stop_watching() noexcept { looks_.reset(); }

    executor ex;
    time_source& time;
    buffer_pool buffers;
    // For fast senders: large buffers need fewer system calls, and wake the receiver less often.
    buffer_pool large_buffers{1u << 20, 8, 64};
    pipe_pool pipes;
    bandwidth_share bandwidth;
    std::uint64_t room_bytes = 0; // see relay_limits; 0 is no limit
    duration room_stall = duration::max();
    std::shared_ptr<memory_budget> memory; // null: none; set before the first room

private:
    void arm()
    {
        constexpr duration least = std::chrono::milliseconds{20}, most = std::chrono::seconds{1};
        if (looks_ && !watched_.empty())
            looks_->arm(looks_->now() + std::clamp<duration>(room_stall / 8, least, most));
    }
    void look()
    {
        const time_point now = looks_->now();
        for (auto each = watched_.begin(); each != watched_.end();) (*each++)->look(now);
        arm();
    }

    std::list<watched_room*> watched_;
    std::unique_ptr<deadline_timer> looks_;
};

} // namespace parley::detail
