// The event loops that carry a relay's rooms: the relay's own loop, and one for each extra thread. Private to
// the framework.
#pragma once

#include "relay/rooms/room_worker.hpp"

#include <parley/stream/any_stream.hpp>

#include <memory>
#include <vector>

namespace parley::detail {

// Call every member on the relay's executor. A room stays on the loop that it starts on, so threads share
// nothing while bytes move.
class room_workers {
public:
    // Makes `count` (at least 1) loops. The first is `home`, the relay's executor; each other one has a
    // thread. There are fewer when the system refuses a thread. Slow rooms count toward `memory`, unless null.
    room_workers(executor home, std::size_t count, std::size_t buffer_bytes, time_source& time = real_time(),
                 const std::shared_ptr<memory_budget>& memory = nullptr);
    room_workers(const room_workers&) = delete;
    room_workers& operator=(const room_workers&) = delete;
    // Rooms on other loops than `home` end without a report.
    ~room_workers();

    std::size_t size() const noexcept { return workers_.size(); }

    // Applies to running rooms, too. Each loop gets an equal part of bytes_per_second.
    void set_limits(const relay_limits& limits);

    // Chooses the loop for a room between `a` and `b`, on which no operation may be pending. It is the loop
    // with the fewest rooms, and both streams move there; or `home`, if one of them cannot move. A stream
    // that fails to move is closed. Each call needs one leave().
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
