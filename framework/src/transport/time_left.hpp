// What is left of a bound in time. Private to the framework.
#pragma once

#include <parley/base/time.hpp>

#include <algorithm>

namespace parley::detail {

// What is left now of `timeout`, counted from `start`; at least zero. duration::max() never ends.
inline duration time_left(time_point start, duration timeout)
{
    if (timeout == duration::max()) return timeout;
    return std::max(timeout - (clock::now() - start), duration{});
}

} // namespace parley::detail
