#pragma once

#include <parley/base/time.hpp>

namespace parley {

// `wait` after `now`; "never" where the clock cannot tell such a time.
inline time_point deadline_after(time_point now, duration wait) noexcept
{
    if (wait > duration::zero() && now > no_deadline - wait) return no_deadline;
    return now + wait;
}

} // namespace parley
