// How many of a stream's written bytes have been delivered.
#pragma once

#include <cstdint>

namespace parley {

// Counts bytes of the connection that carries the stream, a layer's own bytes included. The counts start at
// an arbitrary moment in the past.
struct delivery_counts {
    std::uint64_t written = 0;      // handed to the system
    std::uint64_t acknowledged = 0; // of these, received by the other end's system, read or not
};

} // namespace parley
