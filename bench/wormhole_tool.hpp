#pragma once

#include "bench/session.hpp"
#include "bench/transfer_tool.hpp"

namespace parley::bench {

// What magic-wormhole lacks here, by name; empty when it can run.
std::string wormhole_missing();
// magic-wormhole with its own mailbox server and transit relay. Neither end listens, so its bytes pass a
// relay as parley's do. Throws failure.
std::unique_ptr<transfer_tool> start_wormhole_tool(session& s);

} // namespace parley::bench
