// What a relay does while many wait.
#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// A server appears before N waiting clients: until the last has heard, and CPU time a message.
void run_fanout_benchmark(session& s);
// What each of N waiting clients costs in memory and CPU time.
void run_idle_benchmark(session& s);
// Packets a second, and CPU time a packet, between two peers while N others wait.
void run_forward_benchmark(session& s);

} // namespace parley::bench
