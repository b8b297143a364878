// A joined room: two streams, and bytes copied both ways until both directions have ended. It never looks at
// them. Private to the net room.
//
//   a side                      | the other side
//   ends its direction in order | gets the rest, then the same end
//   resets, or cannot be written| is reset
//   stays silent for the bound after the other has ended | both are reset
//
// Both streams reset when they are closed before the end, so that a relay that is killed looks like what it
// is.
#pragma once

#include "net/limits/limiter.hpp"

#include <parley/base/time.hpp>
#include <parley/net/any_stream.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace parley::detail {

// Buffers of one size, lent out while bytes move. Not thread-safe. Outlives what it lends.
class buffer_pool {
public:
    using buffer = std::unique_ptr<byte[]>;
    explicit buffer_pool(std::size_t buffer_bytes, std::size_t max_kept = 16)
        : buffer_bytes_(buffer_bytes), max_kept_(max_kept)
    {
    }
    buffer take();
    void give_back(buffer used) noexcept;
    std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
    std::size_t kept() const noexcept { return kept_.size(); }

private:
    std::size_t buffer_bytes_, max_kept_;
    std::vector<buffer> kept_;
};

struct room_pipe_options {
    duration half_timeout = std::chrono::seconds{60}; // see relay_server_options::half_room_timeout
    std::shared_ptr<limiter> limits;                  // how many bytes, how fast; null: no limits
};

struct room_pipe_report {
    std::uint64_t first_to_second_bytes = 0;
    std::uint64_t second_to_first_bytes = 0;
    error_code why;               // unset when both directions ended in order
    std::optional<refusal> limit; // that was passed
};

class room_pipe {
public:
    // A side of it: a stream, and what is to be written to it before anything of the other side's.
    struct side {
        any_stream stream;
        byte_vector first_bytes;
    };

    // Copies until the end, then closes both and calls `on_end` once, from the executor. Nothing may be under
    // way on the streams. `pool` outlives it.
    static std::shared_ptr<room_pipe> start(side first, side second, room_pipe_options options,
                                            buffer_pool& pool,
                                            std::function<void(const room_pipe_report&)> on_end);

    // Resets both sides now; on_end still comes.
    void abort(error_code why, std::optional<refusal> limit = std::nullopt) noexcept;

    // All that was read from both sides so far.
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
