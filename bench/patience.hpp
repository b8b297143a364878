// How long a benchmark waits for something that does not move.
#pragma once

#include <chrono>

namespace parley::bench {

// Only a failure takes this long. No measurement depends on it, and a slow machine does not reach it: what
// moves, however slowly, is waited for again.
inline constexpr std::chrono::minutes patience{2};

} // namespace parley::bench
