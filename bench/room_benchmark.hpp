#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Bytes a second and CPU time a GB through rooms: every program, every pair of transports it can join, 1, 8
// and 64 rooms at once, and the fairness between them. The programs take turns within each run.
void run_room_benchmark(session& s);

} // namespace parley::bench
