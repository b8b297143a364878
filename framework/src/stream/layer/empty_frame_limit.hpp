// Limits what a peer sends without data: control frames and empty frames of a WebSocket, and TLS records
// without application data. Private to the framework.
#pragma once

#include <parley/base/time.hpp>

#include <algorithm>

namespace parley::detail {

// A token bucket that stores one time: the moment at which it would be full again.
class empty_frame_limit {
public:
    // `burst` frames may come at once, and one more each `interval`.
    constexpr empty_frame_limit(unsigned burst, duration interval) noexcept
        : interval_(interval), burst_(burst)
    {
    }

    // Counts `frames` that came at `now`. False when these are too many.
    bool take(time_point now, unsigned frames = 1) noexcept
    {
        const time_point then = std::max(full_at_, now) + frames * interval_;
        if (then - now > burst_ * interval_) return false;
        full_at_ = then;
        return true;
    }
    // Returns up to `frames` tokens. Call this when data came.
    void give_back(unsigned frames = 1) noexcept
    {
        if (full_at_ > time_point{}) full_at_ -= frames * interval_;
    }

private:
    time_point full_at_{};
    duration interval_;
    unsigned burst_;
};

// Keepalives come every few seconds, and a message may end with an empty fragment. The burst also bounds one
// turn.
inline constexpr unsigned max_empty_frames = 64;
inline constexpr duration empty_frame_interval = std::chrono::milliseconds{50};

} // namespace parley::detail
