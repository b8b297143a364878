// Which sender a receiver's user is asked about (PROTOCOL.md section 4, client, step 4). Senders with the same
// password may be several. One of them at a time is asked about or accepted; the others wait in line.
//
//   state      | offered | gone: the current one      | gone: in line | answered yes | answered no
//   idle       | ask     | -                          | -             | -            | -
//   asking     | line    | withdrawn, cancel question | leaves line   | accept       | refuse, next
//   cancelling | line    | -                          | leaves line   | next         | next
//   accepted   | line    | withdrawn, next            | leaves line   | -            | -
//
// "next" asks about the first in line, or is idle. A question that is cancelled has ended only when its answer
// has come, whatever it says.
#pragma once

#include <parley/wire/packet.hpp>

#include <deque>
#include <optional>
#include <variant>

namespace parley {

struct sender_offer {
    uid server;
    identity peer;
};

namespace offer_action {
struct ask {
    identity peer;
}; // begin a question; answered() when it has ended
struct cancel_question {};
struct accept {
    uid server;
};
struct refuse {
    uid server;
};
struct withdrawn {
    identity peer;
}; // the sender that was asked about, or accepted, has left
} // namespace offer_action

// the sender that was asked about, or accepted, has left
using offer_action_variant =
    std::variant<offer_action::ask, offer_action::cancel_question, offer_action::accept, offer_action::refuse,
                 offer_action::withdrawn>;

// The machine. After each input, take all actions before the next one. Memory: some 60 bytes for each sender in
// line, of which client_machine bounds the number. Not thread-safe.
class offer_queue {
public:
    void offered(const sender_offer& offer);
    void gone(uid server);
    void answered(bool yes);
    std::optional<offer_action_variant> next_action();

private:
    enum class state : byte { idle, asking, cancelling, accepted };

    void ask_next();

    state state_ = state::idle;
    sender_offer current_; // while asking or accepted
    std::deque<sender_offer> line_;
    std::deque<offer_action_variant> actions_;
};

} // namespace parley
