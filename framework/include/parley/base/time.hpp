// Time types. The machines never read a clock: the caller passes the time in.
#pragma once

#include <chrono>

namespace parley {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

// A deadline that never comes.
inline constexpr time_point no_deadline = time_point::max();

} // namespace parley
