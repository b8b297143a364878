// Complete handshakes, many under way at once, made by one process.
#pragma once

#include "bench/load_loop.hpp"
#include "bench/statistics.hpp"

#include <memory>

namespace parley::bench {

enum class handshake_keys : byte {
    precomputed, // packets of the right shape with bytes that mean nothing: the relay is what is measured
    agreement,   // the real machines of both peers, a password for each pair
};

struct handshake_plan {
    relay_endpoints relay;
    handshake_keys keys = handshake_keys::precomputed;
    unsigned concurrency = 1; // of the closed loop; of the open loop, the most that may be under way
    double rate = 0;          // above 0: an open loop of so many a second
    double seconds = 1;
    source_number first_source = 0;
    // Above 0: after each so-many-th handshake its primitives are called bare, and timed under the same load.
    unsigned bare_every = 0;
};

// A trivially copyable value, to be kept in memory that processes share.
struct handshake_report {
    std::uint64_t completed = 0, failed = 0;
    double seconds = 0;
    std::int64_t machine_ns = 0; // CPU time inside the machines of the peers; 0 with precomputed packets
    std::uint64_t bare = 0;      // handshakes' worth of primitives that were called bare
    std::int64_t bare_ns = 0;    // CPU time of these
    // From the intended start to `done`: connecting both peers, hellos, key agreement, `accepted`.
    latency_recorder latency;
};

// Runs the plan, waits for those that are under way at its end, and adds to `report`. A handshake ends for
// the client when it has read `done`; its place is given to the next one when the relay has closed both
// connections. Throws failure when nothing can be connected.
void run_handshakes(const handshake_plan& plan, handshake_report& report);

} // namespace parley::bench
