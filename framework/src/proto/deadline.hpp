#pragma once

#include <parley/base/time.hpp>

namespace parley {

// `now` + `wait`, or no_deadline where the clock cannot represent that time.
inline time_point deadline_after(time_point now, duration wait) noexcept
{
    if (wait > duration::zero() && now > no_deadline - wait) return no_deadline;
    return now + wait;
}

} // namespace parley
