// The two ends of a stream of bytes through a room. Each is in a process of its own and runs the framework's code.
#pragma once

#include "bench/room_ends.hpp"
#include "bench/statistics.hpp"
#include "bench/transfer_tool.hpp"

#include <parley/async/awaitable.hpp>
#include <parley/stream/any_stream.hpp>

#include <atomic>
#include <functional>

namespace parley::bench {

inline constexpr std::size_t stream_block_bytes = 64u << 10;

// How each process opens its end. The sender's sets its argument once the receiver can be started.
struct stream_ends {
    std::function<awaitable<any_stream>(std::atomic<bool>&)> sender;
    std::function<awaitable<any_stream>()> receiver;
};

// The secure streams of two peers that meet at a relay, not over a Unix socket, with this password. The sender
// offers.
stream_ends secure_ends(const relay_endpoints& at, const std::string& code);
// The bytes of a joined room as they are, without records. It needs TCP at both ends.
stream_ends bare_ends(room_ends room);

// Passes this number of blocks of 64 KiB, one async_write and one async_read each, and compares them byte for byte.
// Then the receiver answers with one byte, and both end the stream in order. Throws failure.
struct stream_passage {
    passage whole;           // with the opening
    double room_seconds = 0; // from the first write to the answer
};
stream_passage pass_blocks(const stream_ends& ends, std::uint64_t blocks);

// The latencies of one byte that the sender writes, and the receiver sends back, for `seconds` after a warm-up of a
// quarter of them. Throws failure.
latency_recorder echo_bytes(const stream_ends& ends, double seconds);

} // namespace parley::bench
