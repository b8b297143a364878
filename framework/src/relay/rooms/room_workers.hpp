// The event loops that carry a relay's rooms: the relay's own, and those of threads beside it. Private to the
// framework.
#pragma once

#include "relay/rooms/room_worker.hpp"

#include <parley/stream/any_stream.hpp>

#include <memory>
#include <vector>

namespace parley::detail {

// Every member is called on the relay's executor. A room stays on the loop that it has begun on, so nothing
// on the way of a byte is shared between threads.
class room_workers {
public:
    // `count` (at least 1) loops in all: the first is `home`, the relay's executor, each other one has a
    // thread. Where the system refuses a thread there are fewer.
    room_workers(executor home, std::size_t count, std::size_t buffer_bytes, time_source& time = real_time());
    room_workers(const room_workers&) = delete;
    room_workers& operator=(const room_workers&) = delete;
    // Rooms that run on other loops than `home` end without a word.
    ~room_workers();

    std::size_t size() const noexcept { return workers_.size(); }

    // From now on, for the rooms that run already, too. Each loop has an equal part of bytes_per_second.
    void set_limits(const relay_limits& limits);

    // The loop for a room between `a` and `b`, on which nothing is under way: the one with the fewest rooms,
    // to which both are moved, or `home`, if one of them cannot move. A stream that fails to move is closed.
    // Each call is followed by one leave().
    room_worker& enter(any_stream& a, any_stream& b);
    void leave(const room_worker& loop) noexcept;

private:
    struct thread;
    struct worker {
        std::unique_ptr<thread> runs; // null: home
        std::unique_ptr<room_worker> loop;
        std::size_t rooms = 0;
    };

    std::vector<worker> workers_;
};

} // namespace parley::detail
