#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Complete handshakes a second, in a closed loop, and their latency in an open loop at half of that rate (or
// --rate), with precomputed packets and with key agreement.
void run_handshake_benchmark(session& s);

} // namespace parley::bench
