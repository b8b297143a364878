#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// The CPU time of each step on one core: the framework's, and that of the library under it (or of memcpy)
// doing the same work in the same run.
void run_primitive_benchmark(session& s);

} // namespace parley::bench
