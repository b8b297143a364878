// Meets the peer of a broken session again (SESSION2.md section 9, "in one run").
#pragma once

#include "peer/web/module/rendezvous.hpp"

#include <array>
#include <memory>

namespace parley::web {

// Goes back to the relay with fresh handshakes, as continuation_time and continuation_pauses say. A sender waits with the
// reconnection password at once, and from 30 seconds after the break on with its own one, too. The first that agrees
// ends the other.
class continuation {
public:
    // `all` must outlive it.
    continuation(context& all, session_role role);

    // A session has ended, or has not come about, because of `why`. `moved`: it has brought new bytes.
    void broke(bool moved) { begins_again_ = absence_.broke(all_.now, moved) || begins_again_; }
    // Gives up no later than then.
    void limit(time_point end) { absence_.limit(end); }
    // Goes back. `own` is the sender's own password; empty: it does not wait with it.
    void begin(const secret_bytes& reconnection, const secret_bytes& own, failure why);
    void stop();

    bool is_running() const noexcept { return is_running_; }
    struct returned_peer {
        entered_room room;
        bool is_new = false; // it knows the sender's own password
    };
    // Once it runs no more: who came, or nobody and why.
    std::optional<returned_peer> take_peer() noexcept { return std::exchange(came_, std::nullopt); }
    const failure& why() const noexcept { return failure_; }

    bool owns(connection which) const noexcept;
    void opened(connection which);
    void receive(connection which, bytes_view& input);
    void closed(connection which, bool in_order);
    void expire();
    time_point next_deadline() const noexcept;

private:
    struct attempt {
        attempt(random_source& random, bool own) : pauses(random), is_own(own) {}

        continuation_pauses pauses;
        const bool is_own;
        secret_bytes password;
        time_point rests_until = no_deadline;
        std::unique_ptr<rendezvous> meeting;
        bool is_running = false;
    };
    attempt* owner_of(connection which) noexcept;
    void rest(attempt& each);
    void meet(attempt& each);
    void look_at(attempt& each);
    void end_attempt(attempt& each);

    context& all_;
    const session_role role_;
    continuation_time absence_;
    bool begins_again_ = false, is_running_ = false;
    std::array<attempt, 2> attempts_;
    std::optional<returned_peer> came_;
    failure failure_;
};

} // namespace parley::web
