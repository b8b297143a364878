// Two connected streams inside one process: a transport without a network, for tests and for programs that
// hold both ends.
#pragma once

#include <parley/stream/any_stream.hpp>

namespace parley {

struct memory_stream_options {
    memory_stream_options() = default;

    std::size_t capacity_bytes = 64 * 1024; // of each direction; at least 1. A writer waits when it is full
    identity first_identity;                // what the second stream sees as its remote; empty allowed
    identity second_identity;               // what the first stream sees as its remote
};

struct memory_stream_pair {
    any_stream first;
    any_stream second;
};

// Makes a connected pair: what one writes, the other reads. Half-close, close and abort look as they do on
// TCP: after close() the peer reads what was written and then eof (connection_reset, without the bytes, when
// reset_on_close(true) was set), and its writes give broken_pipe. Deterministic: every completion is one
// post to the executor, and a read takes all that is there and fits.
memory_stream_pair make_memory_stream_pair(executor ex, memory_stream_options options = {});
// The same with `capacity_bytes` a direction.
memory_stream_pair make_memory_stream_pair(executor ex, std::size_t capacity_bytes);

} // namespace parley
