#include "peer/web/module/web_peer.hpp"

#include <algorithm>

namespace parley::web {

template <class Do>
void web_peer::with_run(Do what)
{
    if (sender_)
        what(*sender_);
    else if (receiver_)
        what(*receiver_);
    deliver_waiting();
}

void web_peer::expire(time_point now)
{
    all_.now = std::max(all_.now, now);
    with_run([](auto& run) { run.expire(); });
}

time_point web_peer::next_deadline() const noexcept
{
    if (sender_ && !sender_->is_over()) return sender_->next_deadline();
    if (receiver_ && !receiver_->is_over()) return receiver_->next_deadline();
    return no_deadline;
}

void web_peer::send(std::string name, std::uint64_t receivers, secret_bytes code)
{
    if (sender_ || receiver_ || has_failed_) return;
    std::string why;
    auto document = items_.make(std::move(name), all_.random, why);
    if (!document) {
        has_failed_ = true;
        all_.out.push(action::failed{{document.error(), phase::preparing, std::move(why)}});
        return;
    }
    sent_document_ = document->outline;
    sender_ = std::make_unique<web_sender>(all_, std::move(*document), std::move(code), receivers);
    sender_->begin();
}

void web_peer::receive(secret_bytes code)
{
    if (sender_ || receiver_ || has_failed_) return;
    receiver_ = std::make_unique<web_receiver>(all_, std::move(code));
    receiver_->begin();
}

void web_peer::cancel()
{
    with_run([](auto& run) { run.cancel(); });
}

bool web_peer::is_over() const noexcept
{
    return has_failed_ || (sender_ && sender_->is_over()) || (receiver_ && receiver_->is_over());
}

const document_outline* web_peer::document() const noexcept
{
    return receiver_ ? receiver_->document().get() : sent_document_.get();
}

void web_peer::accept()
{
    if (receiver_ && receiver_->document()) receiver_->accept();
    deliver_waiting();
}

void web_peer::refuse(session_reason reason, std::string text)
{
    if (receiver_ && receiver_->document()) receiver_->refuse(reason, std::move(text));
    deliver_waiting();
}

bool web_peer::owns(connection which) const noexcept
{
    return (sender_ && sender_->owns(which)) || (receiver_ && receiver_->owns(which));
}

void web_peer::opened(connection which)
{
    with_run([which](auto& run) { run.opened(which); });
}

// Gives the bytes to whoever has the connection now: that may change in the middle of them.
void web_peer::deliver(connection which, bytes_view& bytes)
{
    while (!bytes.empty()) {
        if (!owns(which)) {
            bytes = {};
            return;
        }
        const std::size_t before = bytes.size();
        if (sender_)
            sender_->receive(which, bytes);
        else
            receiver_->receive(which, bytes);
        if (bytes.size() == before && owns(which)) return;
    }
}

void web_peer::received(connection which, bytes_view bytes)
{
    const auto waiting = incoming_.find(which);
    if (waiting == incoming_.end()) deliver(which, bytes);
    if (!bytes.empty()) {
        byte_vector& rest = incoming_[which].waiting;
        rest.insert(rest.end(), bytes.begin(), bytes.end());
    }
    deliver_waiting();
}

bool web_peer::wants_input(connection which) const noexcept
{
    return !incoming_.contains(which);
}

void web_peer::closed(connection which, bool in_order)
{
    if (const auto waiting = incoming_.find(which); waiting != incoming_.end()) {
        waiting->second.ended = in_order;
        return;
    }
    with_run([&](auto& run) { run.closed(which, in_order); });
}

void web_peer::deliver_waiting()
{
    for (auto at = incoming_.begin(); at != incoming_.end();) {
        incoming& each = at->second;
        bytes_view bytes{each.waiting};
        deliver(at->first, bytes);
        if (!bytes.empty()) {
            each.waiting.erase(each.waiting.begin(),
                               each.waiting.end() - static_cast<std::ptrdiff_t>(bytes.size()));
            ++at;
            continue;
        }
        const connection which = at->first;
        const auto ended = each.ended;
        at = incoming_.erase(at);
        if (!ended) continue;
        if (sender_) sender_->closed(which, *ended);
        if (receiver_) receiver_->closed(which, *ended);
    }
}

void web_peer::sent(connection which, std::size_t bytes)
{
    with_run([&](auto& run) { run.sent(which, bytes); });
}

void web_peer::content(std::uint32_t reader, bytes_view bytes)
{
    if (sender_) sender_->content(reader, bytes);
    deliver_waiting();
}

void web_peer::content_failed(std::uint32_t reader, session_reason reason)
{
    if (sender_) sender_->content_failed(reader, reason);
    deliver_waiting();
}

void web_peer::stored(std::size_t actions)
{
    if (receiver_) receiver_->stored(actions);
    deliver_waiting();
}

void web_peer::store_failed(session_reason reason, std::string text)
{
    if (receiver_) receiver_->store_failed(reason, std::move(text));
    deliver_waiting();
}

} // namespace parley::web
