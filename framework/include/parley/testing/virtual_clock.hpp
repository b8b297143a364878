// Time that passes only when a test says so.
#pragma once

#include <parley/base/time.hpp>

namespace parley::testing {

// Starts one day after the epoch, so that subtracting an hour is safe. Not thread-safe.
class virtual_clock {
public:
    time_point now() const noexcept { return now_; }
    void advance(duration by) noexcept { now_ += by; }
    // Goes on to `when`; never back.
    void advance_to(time_point when) noexcept
    {
        if (when > now_) now_ = when;
    }

private:
    time_point now_{std::chrono::hours{24}};
};

} // namespace parley::testing
