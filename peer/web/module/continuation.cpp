#include "peer/web/module/continuation.hpp"

#include <algorithm>

namespace parley::web {

continuation::continuation(context& all, session_role role)
    : all_(all), role_(role), attempts_{attempt{all.random, false}, attempt{all.random, true}}
{
}

void continuation::begin(const secret_bytes& reconnection, const secret_bytes& own, failure why)
{
    failure_ = std::move(why);
    came_.reset();
    is_running_ = true;
    for (attempt& each : attempts_) {
        each.password = each.is_own ? own.duplicate() : reconnection.duplicate();
        each.is_running = !each.password.empty();
        if (!each.is_running) continue;
        if (each.is_own || begins_again_) each.pauses.reset();
        if (each.is_own)
            each.rests_until = absence_.own_password_from();
        else
            rest(each);
    }
    begins_again_ = false;
}

void continuation::stop()
{
    for (attempt& each : attempts_) end_attempt(each);
    is_running_ = false;
}

void continuation::end_attempt(attempt& each)
{
    if (each.meeting) each.meeting->stop();
    each.meeting.reset();
    each.rests_until = no_deadline;
    each.is_running = false;
}

// Pauses before the next connection, or ends when the time is over.
void continuation::rest(attempt& each)
{
    each.meeting.reset();
    if (all_.now < absence_.ends()) {
        const duration pause = std::min(each.pauses.next(), absence_.ends() - all_.now);
        if (!each.is_own) all_.out.push(action::interrupted{pause});
        each.rests_until = all_.now + pause;
        return;
    }
    end_attempt(each);
    is_running_ =
        std::any_of(attempts_.begin(), attempts_.end(), [](const attempt& a) { return a.is_running; });
}

void continuation::meet(attempt& each)
{
    each.rests_until = no_deadline;
    rendezvous_terms terms;
    terms.role = role_;
    terms.versions = session_versions::only_2;
    terms.reconnects = false;
    terms.shows_waiting = false;
    terms.shows_peers = each.is_own; // of a reconnection password nothing is shown
    each.meeting = std::make_unique<rendezvous>(all_, each.password.duplicate(), terms, absence_.ends());
    each.meeting->begin();
}

// After every input of a meeting.
void continuation::look_at(attempt& each)
{
    if (!each.meeting || each.meeting->is_running()) return;
    if (auto room = each.meeting->take_room()) {
        came_.emplace(returned_peer{std::move(*room), each.is_own});
        return stop();
    }
    if (!each.is_own) failure_ = each.meeting->why();
    rest(each);
}

continuation::attempt* continuation::owner_of(connection which) noexcept
{
    for (attempt& each : attempts_)
        if (each.meeting && each.meeting->owns(which)) return &each;
    return nullptr;
}

bool continuation::owns(connection which) const noexcept
{
    return std::any_of(attempts_.begin(), attempts_.end(),
                       [which](const attempt& each) { return each.meeting && each.meeting->owns(which); });
}

void continuation::opened(connection which)
{
    attempt* const each = owner_of(which);
    if (each == nullptr) return;
    each->meeting->opened();
    look_at(*each);
}

void continuation::receive(connection which, bytes_view& input)
{
    attempt* const each = owner_of(which);
    if (each == nullptr) return;
    each->meeting->receive(input);
    look_at(*each);
}

void continuation::closed(connection which, bool in_order)
{
    attempt* const each = owner_of(which);
    if (each == nullptr) return;
    each->meeting->closed(in_order);
    look_at(*each);
}

void continuation::expire()
{
    for (attempt& each : attempts_) {
        if (!is_running_ || !each.is_running) continue;
        if (each.meeting) {
            each.meeting->expire();
            look_at(each);
        } else if (all_.now >= each.rests_until) {
            all_.now < absence_.ends() ? meet(each) : rest(each);
        }
    }
}

time_point continuation::next_deadline() const noexcept
{
    time_point next = no_deadline;
    for (const attempt& each : attempts_) {
        if (!each.is_running) continue;
        next = std::min({next, each.rests_until, each.meeting ? each.meeting->next_deadline() : no_deadline});
    }
    return next;
}

} // namespace parley::web
