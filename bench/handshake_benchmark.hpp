#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Complete handshakes per second in a closed loop, and their latency in an open loop at half that rate (or
// --rate), with precomputed packets and with key agreement.
void run_handshake_benchmark(session& s);

} // namespace parley::bench
