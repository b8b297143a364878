#include <parley/proto/offer_queue.hpp>

#include <utility>

namespace parley {

void offer_queue::offered(const sender_offer& offer)
{
    line_.push_back(offer);
    if (state_ == state::idle) ask_next();
}

void offer_queue::gone(uid server)
{
    const bool is_current =
        (state_ == state::asking || state_ == state::accepted) && current_.server == server;
    if (!is_current) {
        std::erase_if(line_, [&](const sender_offer& o) { return o.server == server; });
        return;
    }
    actions_.push_back(offer_action::withdrawn{current_.peer});
    if (state_ == state::asking) {
        state_ = state::cancelling;
        actions_.push_back(offer_action::cancel_question{});
    } else {
        ask_next();
    }
}

void offer_queue::answered(bool yes)
{
    if (state_ == state::cancelling) return ask_next();
    if (state_ != state::asking) return;
    if (yes) {
        state_ = state::accepted;
        actions_.push_back(offer_action::accept{current_.server});
    } else {
        actions_.push_back(offer_action::refuse{current_.server});
        ask_next();
    }
}

void offer_queue::ask_next()
{
    if (line_.empty()) {
        state_ = state::idle;
        return;
    }
    state_ = state::asking;
    current_ = line_.front();
    line_.pop_front();
    actions_.push_back(offer_action::ask{current_.peer});
}

std::optional<offer_action_variant> offer_queue::next_action()
{
    if (actions_.empty()) return std::nullopt;
    auto action = std::move(actions_.front());
    actions_.pop_front();
    return action;
}

} // namespace parley
