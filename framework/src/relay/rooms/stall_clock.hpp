// Whether the bytes that one direction of a room holds go on. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/time.hpp>

#include <algorithm>
#include <cstdint>

namespace parley::detail {

// It is looked at now and then, with how many bytes have gone so far (counted from any moment) and how many are
// held. Of what is held at some moment, all of it or 64 KiB have to be gone within the timeout: a byte now and
// then is no progress.
class stall_clock {
public:
    static constexpr std::uint64_t least_progress_bytes = 64u << 10;
    // At its pace it would take longer than this to be rid of what it holds.
    static constexpr duration slow = std::chrono::seconds{10};

    enum class state : byte { moves, slow, stalled };

    state look(time_point now, std::uint64_t gone, std::uint64_t held, duration timeout) noexcept
    {
        const duration since = now - looked_;
        const std::uint64_t moved = gone > gone_ ? gone - gone_ : 0;
        looked_ = now;
        gone_ = gone;
        if (held == 0) {
            holds_ = false;
            return state::moves;
        }
        const bool first = !holds_;
        if (first || (gone > from_ && gone - from_ >= due_)) {
            holds_ = true;
            began_ = now;
            from_ = gone;
            due_ = std::min(held, least_progress_bytes);
        } else if (now - began_ >= timeout) {
            return state::stalled;
        }
        const auto seconds = [](duration d) { return std::chrono::duration<double>(d).count(); };
        const bool too_slow =
            static_cast<double>(moved) * seconds(slow) < static_cast<double>(held) * seconds(since);
        return too_slow && !first ? state::slow : state::moves;
    }
    // Whether something was held at the last look.
    bool holds() const noexcept { return holds_; }

private:
    time_point looked_{}, began_{};
    std::uint64_t gone_ = 0, from_ = 0, due_ = 0; // at the last look; of the progress that is awaited
    bool holds_ = false;
};

} // namespace parley::detail
