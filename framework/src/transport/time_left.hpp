// The rest of a timeout. Private to the framework.
#pragma once

#include <parley/base/time.hpp>

#include <algorithm>

namespace parley::detail {

// The rest of `timeout`, which began at `start`; at least zero. duration::max() stays as it is.
inline duration time_left(time_point start, duration timeout)
{
    if (timeout == duration::max()) return timeout;
    return std::max(timeout - (clock::now() - start), duration{});
}

} // namespace parley::detail
