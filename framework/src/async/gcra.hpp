// A rate limit by GCRA, the generic cell rate algorithm: it stores one timestamp. Private to the framework.
#pragma once

#include <parley/base/time.hpp>

#include <algorithm>
#include <cstddef>

namespace parley::detail {

// The rate of tokens, and the size of a full bucket. A rate of 0 is no limit.
struct bucket_rate {
    double per_second = 0;
    double burst = 0;

    bool unlimited() const noexcept { return per_second <= 0; }
    // The time in which `n` tokens come; at most 1e9 seconds.
    duration time_of(double n) const noexcept
    {
        constexpr double longest_seconds = 1e9;
        return std::chrono::duration_cast<duration>(
            std::chrono::duration<double>(std::min(n / per_second, longest_seconds)));
    }
};

class gcra {
public:
    // Whether the bucket has `n` tokens. A full bucket allows any `n`.
    bool allows(const bucket_rate& rate, time_point now, double n = 1) const noexcept
    {
        if (rate.unlimited()) return true;
        const time_point then = std::max(full_at_, now) + rate.time_of(n);
        return then - now <= rate.time_of(std::max({rate.burst, n, 1.0}));
    }

    // Takes `n` tokens if they are there.
    bool take(const bucket_rate& rate, time_point now, double n = 1) noexcept
    {
        if (!allows(rate, now, n)) return false;
        if (!rate.unlimited()) full_at_ = std::max(full_at_, now) + rate.time_of(n);
        return true;
    }

    // Takes `n` tokens in any case. Returns the time at which the debt is paid; `now` when there is none.
    time_point spend(const bucket_rate& rate, time_point now, double n) noexcept
    {
        if (rate.unlimited()) return now;
        full_at_ = std::max(full_at_, now) + rate.time_of(n);
        return std::max(now, full_at_ - rate.time_of(rate.burst));
    }

    // The number of tokens in the bucket, but at most `most`.
    std::size_t available(const bucket_rate& rate, time_point now, std::size_t most) const noexcept
    {
        if (rate.unlimited()) return most;
        const duration debt = std::max(full_at_, now) - now;
        const duration whole = rate.time_of(std::max(rate.burst, 1.0));
        const duration one = std::max(rate.time_of(1), duration{1});
        return debt < whole ? std::min(most, static_cast<std::size_t>((whole - debt) / one)) : 0;
    }

    // The time when the bucket will have `n` tokens; `now` if it has them.
    time_point ready(const bucket_rate& rate, time_point now, double n = 1) const noexcept
    {
        if (rate.unlimited()) return now;
        return std::max(now, full_at_ + rate.time_of(n) - rate.time_of(std::max({rate.burst, n, 1.0})));
    }

    // Puts `n` tokens back.
    void give_back(const bucket_rate& rate, double n) noexcept
    {
        if (full_at_ > time_point{}) full_at_ -= rate.time_of(n);
    }

    time_point full_at() const noexcept { return full_at_; }
    bool full(time_point now) const noexcept { return full_at_ <= now; }

private:
    time_point full_at_{};
};

} // namespace parley::detail
