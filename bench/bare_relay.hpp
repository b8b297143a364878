#pragma once

#include "bench/system_under_test.hpp"

namespace parley::bench {

// The least that a relay can do for a fanout over TCP, as a separate process: it answers each hello, and when
// a server arrives it writes one announcement to every client, with one write call each. Its cost is the
// limit for a fanout. It does nothing else.
system_kind bare_relay_kind();

} // namespace parley::bench
