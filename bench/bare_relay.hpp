#pragma once

#include "bench/system_under_test.hpp"

namespace parley::bench {

// The least that a relay can do for a fanout over TCP, as a process of its own: it answers each hello, and
// writes one announcement to every client when a server comes, with one write call each and nothing else.
// What it costs is the limit that a fanout is measured against; it is good for nothing else.
system_kind bare_relay_kind();

} // namespace parley::bench
