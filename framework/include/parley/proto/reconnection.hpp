// When a peer connects to its relay again: while it waits for the other one, and after a session has broken.
#pragma once

#include <parley/base/error.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>

#include <optional>

namespace parley {

// Whether another connection to the relay may succeed where one has ended with `error`, a code of parley or of the
// system, before both peers are in the room. session/reconnection.hpp lists which.
bool is_passing_error(const error_code& error) noexcept;

// The pauses of a peer that waits: 2 seconds, and each time twice as long, up to 30. Each pause is drawn from the
// upper half of its length: not all peers of a relay come back at the same moment. Not thread-safe.
class reconnect_pauses {
public:
    static constexpr duration first = std::chrono::seconds{2};
    static constexpr duration longest = std::chrono::seconds{30};

    // `random` must outlive it.
    explicit reconnect_pauses(random_source& random) noexcept : random_(random) {}

    duration next();
    void reset() noexcept { length_ = first; }

private:
    random_source& random_;
    duration length_ = first;
};

// The pauses of a peer whose session has broken (SESSION2.md section 9): half a second, and each time twice as long,
// up to 30, give or take a fifth. Not thread-safe.
class continuation_pauses {
public:
    static constexpr duration first = std::chrono::milliseconds{500};
    static constexpr duration longest = std::chrono::seconds{30};

    // `random` must outlive it.
    explicit continuation_pauses(random_source& random) noexcept : random_(random) {}

    duration next();
    void reset() noexcept { length_ = first; }

private:
    random_source& random_;
    duration length_ = first;
};

// How long the peers of a broken session come back (SESSION2.md section 9): ten minutes from the first break since
// bytes have passed. Not thread-safe.
class continuation_time {
public:
    // A session has ended, or has not come about. `moved`: it has brought new bytes. Returns whether the time begins
    // again, and with it the pauses.
    bool broke(time_point now, bool moved) noexcept;
    // Gives up no later than at `end`.
    void limit(time_point end) noexcept { ends_ = ends_ < end ? ends_ : end; }

    time_point ends() const noexcept { return ends_; }
    // When a sender begins to wait with its own password, too.
    time_point own_password_from() const noexcept { return last_break_ + std::chrono::seconds{30}; }

private:
    bool broken_ = false;
    time_point last_break_{};
    time_point ends_ = no_deadline;
};

} // namespace parley
