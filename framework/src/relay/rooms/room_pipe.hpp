// A joined room: copies bytes between two streams, both ways, until both directions have ended. It does not
// look at the bytes. Private to the framework.
//
//   a side                      | the other side
//   ends its direction in order | gets the rest, then the same end
//   resets, or cannot be written| is reset
//   stays silent for the bound after the other has ended | both are reset
//   does not read, so that what waits for it does not move (stall_clock) | both are reset
//
// Between two plain sockets, large amounts move inside the kernel. Everything else moves through a buffer.
// Each turn moves a bounded number of bytes, then the other rooms of the loop have their turns.
//
// A room whose bytes move too slowly counts what it holds toward the relay's memory budget, the system's queues
// included. It is reset when it holds the most.
//
// A stream that is closed before the end is reset. So peers see the death of a relay as an error, not as an
// end in order.
#pragma once

#include "relay/rooms/room_worker.hpp"

#include <parley/base/time.hpp>
#include <parley/relay/reject_reason.hpp>
#include <parley/stream/any_stream.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace parley::detail {

struct room_pipe_options {
    bytes_view greeting; // written to both sides first, and not counted; outlives the pipe
    duration half_timeout = std::chrono::seconds{60}; // see relay_server_options::half_room_timeout
};

struct room_pipe_report {
    std::uint64_t first_to_second_bytes = 0;
    std::uint64_t second_to_first_bytes = 0;
    error_code why;                     // unset when both directions ended in order
    std::optional<reject_reason> limit; // the limit that was exceeded
};

class room_pipe {
public:
    // Copies until both directions have ended, then closes both streams and calls `on_end` once, on the
    // executor of `loop`. Both streams use that executor, and no operation may be pending on them.
    // Thread-safe. `loop` must outlive the pipe.
    static std::shared_ptr<room_pipe> start(any_stream first, any_stream second, room_pipe_options options,
                                            room_worker& loop,
                                            std::function<void(const room_pipe_report&)> on_end);

    // Resets both sides; `on_end` is still called. Thread-safe.
    void abort(error_code why, std::optional<reject_reason> limit = std::nullopt);

    // The bytes passed on so far, both directions together. Thread-safe.
    std::uint64_t bytes() const noexcept;

    room_pipe(const room_pipe&) = delete;
    room_pipe& operator=(const room_pipe&) = delete;
    ~room_pipe();

private:
    struct state;
    explicit room_pipe(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}
    std::shared_ptr<state> state_;
};

} // namespace parley::detail
