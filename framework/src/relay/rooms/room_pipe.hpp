// A joined room: two streams, and bytes copied both ways until both directions have ended. It never looks at
// them. Private to the framework.
//
//   a side                      | the other side
//   ends its direction in order | gets the rest, then the same end
//   resets, or cannot be written| is reset
//   stays silent for the bound after the other has ended | both are reset
//
// Between two plain sockets, much at once moves inside the kernel; all else through a buffer. Each turn moves
// a bounded number of bytes, then the other rooms of the loop have theirs.
//
// Both streams reset when they are closed before the end, so that a relay that is killed looks like what it
// is.
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
    std::optional<reject_reason> limit; // that was passed
};

class room_pipe {
public:
    // Copies until the end, then closes both and calls `on_end` once, on the executor of `loop`, which is
    // that of the streams, too. Nothing may be under way on them. From any thread. `loop` outlives it.
    static std::shared_ptr<room_pipe> start(any_stream first, any_stream second, room_pipe_options options,
                                            room_worker& loop,
                                            std::function<void(const room_pipe_report&)> on_end);

    // Resets both sides; on_end still comes. From any thread.
    void abort(error_code why, std::optional<reject_reason> limit = std::nullopt);

    // All that was passed on to either side so far. From any thread.
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
