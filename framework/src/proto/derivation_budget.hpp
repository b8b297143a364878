// How much key derivation a client may do: a token bucket that holds what is allowed in a minute.
#pragma once

#include <parley/base/time.hpp>

#include <algorithm>
#include <cstdint>

namespace parley {

class derivation_budget {
public:
    // `a_minute` is above 0.
    explicit derivation_budget(std::uint64_t a_minute) noexcept : a_minute_{a_minute} {}

    // When `cost` can be paid; not later than `now` if it can be paid at once. A cost above the whole bucket
    // is paid from a full one.
    time_point payable_at(std::uint64_t cost) const noexcept { return full_at_ + time_of(cost) - minute; }
    void pay(std::uint64_t cost, time_point now) noexcept
    {
        full_at_ = std::max(full_at_, now) + time_of(cost);
    }

private:
    static constexpr duration minute = std::chrono::minutes{1};

    // How long the bucket takes to fill by `cost`.
    duration time_of(std::uint64_t cost) const noexcept
    {
        const double part = static_cast<double>(std::min(cost, a_minute_)) / static_cast<double>(a_minute_);
        return std::chrono::duration_cast<duration>(part * std::chrono::duration<double>{minute});
    }

    std::uint64_t a_minute_;
    time_point full_at_{};
};

} // namespace parley
