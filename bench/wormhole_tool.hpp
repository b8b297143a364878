#pragma once

#include "bench/session.hpp"
#include "bench/transfer_tool.hpp"

namespace parley::bench {

// What magic-wormhole needs and this machine lacks, by name. Empty if it can run.
std::string wormhole_missing();
// magic-wormhole with its own mailbox server and transit relay. Neither end listens, so its bytes pass
// through a relay as parley's do. Throws failure.
std::unique_ptr<transfer_tool> start_wormhole_tool(session& s);

} // namespace parley::bench
