// What the rooms of one event loop share. Private to the framework.
#pragma once

#include "async/buffer_pool.hpp"
#include "relay/rooms/bandwidth_share.hpp"
#include "relay/rooms/splice_pipe.hpp"

#include <parley/async/time_source.hpp>
#include <parley/relay/limits.hpp>

#include <cstdint>

namespace parley::detail {

// Use it on its executor only. It must outlive the rooms that run on it.
struct room_worker {
    room_worker(executor on, std::size_t buffer_bytes, std::size_t max_pipes = pipe_pool::usual_max_lent(),
                time_source& t = real_time())
        : ex(std::move(on)), time(t), buffers(buffer_bytes), pipes(max_pipes)
    {
    }
    room_worker(const room_worker&) = delete;
    room_worker& operator=(const room_worker&) = delete;

    // Applies to running rooms, too.
    void set_limits(const relay_limits& limits) noexcept
    {
        bandwidth.set_rates(limits.bytes_per_second, limits.room_bytes_per_second);
        room_bytes = limits.room_bytes;
    }

    executor ex;
    time_source& time;
    buffer_pool buffers;
    // For fast senders: large buffers need fewer system calls, and wake the receiver less often.
    buffer_pool large_buffers{1u << 20, 8, 64};
    pipe_pool pipes;
    bandwidth_share bandwidth;
    std::uint64_t room_bytes = 0; // see relay_limits; 0 is no limit
};

} // namespace parley::detail
