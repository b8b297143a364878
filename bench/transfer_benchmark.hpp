#pragma once

#include "bench/session.hpp"

namespace parley::bench {

// Documents from end to end between real programs: one of random bytes, one that shrinks, and many small
// files; and the time to the first byte. It compares what arrived with what was sent.
void run_transfer_benchmark(session& s);

} // namespace parley::bench
