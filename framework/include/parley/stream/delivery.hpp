// What a stream knows of the bytes that were written to it.
#pragma once

#include <cstdint>

namespace parley {

// How far what was written has come, in bytes of the connection that carries the stream (a layer's own bytes
// included), counted from some moment of the past.
struct delivery_counts {
    std::uint64_t written = 0;      // given to the system
    std::uint64_t acknowledged = 0; // of these: received by the other end's system, read or not
};

} // namespace parley
