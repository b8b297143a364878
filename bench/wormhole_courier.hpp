#pragma once

#include "bench/courier.hpp"
#include "bench/session.hpp"

namespace parley::bench {

// What magic-wormhole lacks here, by name; empty when it can run.
std::string wormhole_missing();
// magic-wormhole with its own transit relay, through which its bytes go as parley's do: neither end listens.
// Debian has no mailbox server; a stand-in introduces the two, and sees none of the bytes. Throws failure.
std::unique_ptr<courier> start_wormhole_courier(session& s);

} // namespace parley::bench
