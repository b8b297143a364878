// Shares the bandwidth of all rooms evenly among those in motion, and limits that of one room. Private to the
// framework.
#pragma once

#include "async/gcra.hpp"

#include <cstddef>

namespace parley::detail {

// A reader moves up to quantum() bytes, then calls spend(), then waits until the time that spend() has
// returned; it does nothing else meanwhile. Readers queue in the order of their calls. Each has one place in
// the queue and all quanta are equal, so each gets the same share. Bandwidth that one reader does not use
// goes to the others. Not thread-safe.
class bandwidth_share {
public:
    // The state of one room.
    class room {
        friend bandwidth_share;
        gcra own_;
        unsigned waiting_ = 0; // its directions in the queue
    };

    // Bytes a second; 0 is no limit. May change at any time.
    void set_rates(double all, double one_room) noexcept
    {
        all_ = {all, all / 10};
        one_room_ = {one_room, one_room / 10};
    }
    bool unlimited() const noexcept { return all_.unlimited() && one_room_.unlimited(); }

    // The number of bytes that a direction may move before its next spend(): small enough for a short round
    // of all waiting readers, large enough to make the calls cheap. A room with both directions in motion
    // moves half as much in each.
    std::size_t quantum(const room& of, std::size_t most) const noexcept
    {
        constexpr double least = 2048, rounds_per_second = 20;
        double bytes = static_cast<double>(most);
        if (!all_.unlimited())
            bytes =
                std::min(bytes, all_.per_second / rounds_per_second / (1.0 + static_cast<double>(waiting_)));
        if (!one_room_.unlimited()) bytes = std::min(bytes, one_room_.per_second / rounds_per_second);
        if (of.waiting_ > 0) bytes /= 2;
        return std::min(most, static_cast<std::size_t>(std::max(bytes, least)));
    }

    // Charges `n` bytes that a direction of `by` has read. Returns when they may go on; `now` means at once.
    time_point spend(room& by, std::size_t n, time_point now) noexcept
    {
        const time_point all = queue_.spend(all_, now, static_cast<double>(n));
        return std::max(all, by.own_.spend(one_room_, now, static_cast<double>(n)));
    }

    // Call these before and after each wait.
    void wait_begins(room& by) noexcept { ++waiting_, ++by.waiting_; }
    void wait_ends(room& by) noexcept { --waiting_, --by.waiting_; }

private:
    bucket_rate all_, one_room_;
    gcra queue_;
    std::size_t waiting_ = 0;
};

} // namespace parley::detail
