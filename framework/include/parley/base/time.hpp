// Time as the machines see it: a number handed in, never read from inside.
#pragma once

#include <chrono>

namespace parley {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

// "Never": a deadline that does not come.
inline constexpr time_point no_deadline = time_point::max();

} // namespace parley
