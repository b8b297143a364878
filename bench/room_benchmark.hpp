#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Bytes per second and CPU time per GB through rooms: for every program and every pair of transports that it
// can join, with 1, 8 and 64 rooms at once, and the fairness between them. The programs take turns within
// each run.
void run_room_benchmark(session& s);

} // namespace parley::bench
