#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// What each step costs on one core, in CPU time: the framework's, beside the same work done by the library
// under it (or by memcpy) in the same run.
void run_primitive_benchmark(session& s);

} // namespace parley::bench
