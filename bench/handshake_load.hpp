// Complete handshakes, many at the same time, from one process.
#pragma once

#include "bench/load_loop.hpp"
#include "bench/statistics.hpp"

#include <memory>

namespace parley::bench {

enum class handshake_keys : byte {
    precomputed, // packets of the right shape with meaningless bytes: only the relay is measured
    agreement,   // the real machines of both peers, with one password per pair
};

struct handshake_plan {
    relay_endpoints relay;
    handshake_keys keys = handshake_keys::precomputed;
    unsigned concurrency = 1; // of the closed loop; in the open loop, the maximum under way
    double rate = 0;          // above 0: an open loop with so many per second
    double seconds = 1;
    source_number first_source = 0;
    // If above 0: after every so many handshakes, call their primitives alone and time them under the same
    // load.
    unsigned bare_every = 0;
};

// Trivially copyable, so that processes can share it in memory.
struct handshake_report {
    std::uint64_t completed = 0, failed = 0;
    double seconds = 0;
    std::int64_t machine_ns = 0; // CPU time inside the machines of the peers; 0 with precomputed packets
    std::uint64_t bare = 0;      // handshakes whose primitives were called alone
    std::int64_t bare_ns = 0;    // CPU time of those calls
    // From the intended start to `done`: both connections, the hellos, the key agreement, `accepted`.
    latency_recorder latency;
};

// Runs the plan, waits for the handshakes under way at its end, and adds to `report`. For the client a
// handshake ends when it has read `done`. The place becomes free when the relay has closed both connections.
// Throws failure if nothing can be connected.
void run_handshakes(const handshake_plan& plan, handshake_report& report);

} // namespace parley::bench
