// Two connected streams inside one process: a transport without a network, for tests and for programs that
// have both ends.
#pragma once

#include <parley/stream/any_stream.hpp>

namespace parley {

struct memory_stream_options {
    memory_stream_options() = default;

    std::size_t capacity_bytes = 64 * 1024; // of each direction; at least 1. A writer waits when it is full
    identity first_identity;                // remote_identity() of the second stream; may be empty
    identity second_identity;               // remote_identity() of the first stream; may be empty
};

struct memory_stream_pair {
    any_stream first;
    any_stream second;
};

// Makes a connected pair: each stream reads what the other writes. Half-close, close and abort behave as on
// TCP. After close() the peer reads the written bytes and then eof (or connection_reset without the bytes,
// after reset_on_close(true)), and its writes give broken_pipe. Deterministic: every completion is one post
// to the executor, and a read takes all available bytes that fit.
memory_stream_pair make_memory_stream_pair(executor ex, memory_stream_options options = {});
// The same with `capacity_bytes` for each direction.
memory_stream_pair make_memory_stream_pair(executor ex, std::size_t capacity_bytes);

} // namespace parley
