// The cost of a relay with many waiting clients.
#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// A server appears before N waiting clients: the time until the last client is told, and the CPU time per
// message.
void run_fanout_benchmark(session& s);
// The memory and CPU time of each of N waiting clients.
void run_idle_benchmark(session& s);
// Packets per second, and CPU time per packet, between two peers while N others wait.
void run_forward_benchmark(session& s);

} // namespace parley::bench
