// Decides which sender a receiver's user is asked about (PROTOCOL.md section 4, client, step 4). Several
// senders may have the same password. One at a time is asked about or accepted; the others wait in line.
//
//   state      | offered | gone: the current one      | gone: in line | answered yes | answered no
//   idle       | ask     | -                          | -             | -            | -
//   asking     | line    | withdrawn, cancel question | leaves line   | accept       | refuse, next
//   cancelling | line    | -                          | leaves line   | next         | next
//   accepted   | line    | withdrawn, next            | leaves line   | -            | -
//
// "next" asks about the first in line, or goes idle. A cancelled question ends when its answer arrives,
// whatever the answer is.
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
// Ask the user about this sender; call answered() when the question has ended.
struct ask {
    identity peer;
};
struct cancel_question {};
struct accept {
    uid server;
};
struct refuse {
    uid server;
};
// The sender that was asked about, or accepted, has left.
struct withdrawn {
    identity peer;
};
} // namespace offer_action

using offer_action_variant =
    std::variant<offer_action::ask, offer_action::cancel_question, offer_action::accept, offer_action::refuse,
                 offer_action::withdrawn>;

// The machine. Take all actions after each input. Memory: about 60 bytes for each sender in line;
// client_machine bounds their number. Not thread-safe.
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
