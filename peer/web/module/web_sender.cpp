#include "peer/web/module/web_sender.hpp"

#include "peer/web/module/own_hello.hpp"

#include <algorithm>

namespace parley::web {

web_sender::web_sender(context& all, offered_document document, secret_bytes code, std::uint64_t receivers)
    : all_(all),
      document_(std::move(document)),
      code_(std::move(code)),
      receivers_(receivers),
      meeting_(all, code_.duplicate(), {.role = session_role::server})
{
}

// --- the wait with the code ----------------------------------------------------------------------

void web_sender::meet()
{
    is_meeting_ = true;
    meeting_.begin();
}

void web_sender::look_at_meeting()
{
    if (!is_meeting_ || meeting_.is_running()) return;
    is_meeting_ = false;
    if (auto room = meeting_.take_room()) {
        const agreement& agreed = room->agreed;
        secret_bytes reconnection = agreed.keys.session2->reconnection_password();
        return start(std::move(reconnection), std::move(room), {});
    }
    const failure why = meeting_.why();
    // What fails behind an agreement is continued. A room that is denied is not.
    if (auto& agreed = meeting_.agreed(); agreed && why.code != errc::room_denied) {
        secret_bytes reconnection = agreed->keys.session2->reconnection_password();
        return start(std::move(reconnection), std::nullopt, why);
    }
    // Nobody else has come in the time: what the last one said is the reason.
    const bool in_time = why.code != errc::timed_out;
    if (!in_time && receivers_ == 0 && stored_ != 0) return give_up({});
    give_up(!in_time && last_failure_.code ? last_failure_ : why);
}

bool web_sender::wants_another() const noexcept
{
    return receivers_ == 0 || stored_ + services_.size() < receivers_;
}

// --- one receiver --------------------------------------------------------------------------------

void web_sender::start(secret_bytes reconnection, std::optional<entered_room> room, failure why)
{
    service& with = *services_.emplace_back(std::make_unique<service>(all_));
    with.receiver.number = ++last_number_;
    with.reconnection = std::move(reconnection);
    if (room)
        open_session(with, std::move(*room));
    else
        go_back(with, false, std::move(why));
}

void web_sender::open_session(service& with, entered_room room)
{
    auto session =
        session2_machine::create(session_role::server, *room.agreed.keys.session2, own_hello(), all_.now);
    if (!session) {
        all_.out.push(action::close{room.room, false});
        return end(with, {session.error(), phase::transferring, {}}, false);
    }
    with.session.emplace(all_, room.room, std::move(*session), document_, with.receiver);
}

// After every input.
void web_sender::look_at(service& each)
{
    if (each.session) {
        each.session->go_on();
        if (each.has_returned && each.session->was_open()) {
            each.has_returned = false;
            all_.out.push(action::resumed{});
        }
        if (each.session->is_over()) session_ended(each);
    } else if (!each.is_over && !each.back.is_running()) {
        auto peer = each.back.take_peer();
        if (!peer) return end(each, each.back.why(), false);
        if (peer->is_new) {
            const std::uint32_t number = each.receiver.number;
            each.receiver = {};
            each.receiver.number = number;
            each.reconnection = peer->room.agreed.keys.session2->reconnection_password();
        }
        each.has_returned = !peer->is_new;
        open_session(each, std::move(peer->room));
    }
}

void web_sender::session_ended(service& each)
{
    const session_end ended = each.session->end();
    each.session.reset();
    if (!ended.error) {
        ++stored_;
        all_.out.push(action::delivered{each.receiver.number});
        each.is_over = true;
    } else if (gives_up_ || !ended.is_broken()) {
        const bool waits_on =
            ended.was_open && may_suit_another_receiver(ended.error, each.receiver.was_sent);
        end(each, {ended.error, phase::transferring, ended.text()}, waits_on);
    } else {
        go_back(each, ended.moved, {ended.error, phase::transferring, ended.text()});
    }
}

void web_sender::go_back(service& each, bool moved, failure why)
{
    each.back.broke(moved);
    // While the wait for a further receiver goes on, whoever comes with the own password is one.
    const secret_bytes none;
    const bool is_own = receivers_ == 1 || !is_meeting_;
    each.back.begin(each.reconnection, is_own ? code_ : none, std::move(why));
}

void web_sender::end(service& each, failure why, bool waits_on)
{
    each.is_over = true;
    if (gives_up_) return;
    if (receivers_ == 1 && !waits_on) return give_up(std::move(why));
    const bool refused = why.code == errc::refused_by_peer;
    all_.out.push(action::note{refused ? "refused" : "left", "detail",
                               why.text.empty() ? why.code.message() : why.text});
    last_failure_ = std::move(why);
}

// --- the run -------------------------------------------------------------------------------------

// Ends all that goes on; `why` is reported when it has ended.
void web_sender::give_up(failure why)
{
    if (std::exchange(gives_up_, true)) return;
    failure_ = std::move(why);
    meeting_.stop();
    is_meeting_ = false;
    for (const auto& each : services_) {
        if (each->session) {
            each->session->cancel();
        } else {
            each->back.stop();
            each->is_over = true;
        }
    }
}

void web_sender::cancel()
{
    give_up({errc::cancelled, phase::transferring, {}});
    go_on();
}

void web_sender::go_on()
{
    if (is_over_) return;
    look_at_meeting();
    for (std::size_t i = 0; i < services_.size(); ++i) look_at(*services_[i]);
    std::erase_if(services_, [](const auto& each) { return each->is_over; });
    if (!gives_up_ && receivers_ != 0 && stored_ >= receivers_) give_up({});
    if (gives_up_) {
        if (!services_.empty()) return;
        is_over_ = true;
        if (failure_.code)
            all_.out.push(action::failed{failure_});
        else
            all_.out.push(action::finished{});
    } else if (!is_meeting_ && wants_another()) {
        meet();
    }
}

// --- inputs --------------------------------------------------------------------------------------

bool web_sender::owns(connection which) const noexcept
{
    if (meeting_.owns(which)) return true;
    return std::any_of(services_.begin(), services_.end(), [which](const auto& each) {
        return each->back.owns(which) || (each->session && each->session->owns(which));
    });
}

void web_sender::opened(connection which)
{
    if (meeting_.owns(which)) meeting_.opened();
    for (const auto& each : services_) each->back.opened(which);
    go_on();
}

void web_sender::receive(connection which, bytes_view& input)
{
    if (meeting_.owns(which)) {
        meeting_.receive(input);
    } else {
        for (const auto& each : services_) {
            if (each->session && each->session->owns(which)) {
                each->session->receive(input);
                break;
            }
            if (each->back.owns(which)) {
                each->back.receive(which, input);
                break;
            }
        }
    }
    go_on();
}

void web_sender::closed(connection which, bool in_order)
{
    if (meeting_.owns(which)) meeting_.closed(in_order);
    for (const auto& each : services_) {
        if (each->session && each->session->owns(which)) each->session->closed(in_order);
        each->back.closed(which, in_order);
    }
    go_on();
}

void web_sender::sent(connection which, std::size_t n)
{
    for (const auto& each : services_)
        if (each->session && each->session->owns(which)) each->session->sent(n);
    go_on();
}

void web_sender::content(std::uint32_t reader, bytes_view bytes)
{
    for (const auto& each : services_)
        if (each->session && each->receiver.number == reader) each->session->content(bytes);
    go_on();
}

void web_sender::content_failed(std::uint32_t reader, session_reason reason)
{
    for (const auto& each : services_)
        if (each->session && each->receiver.number == reader) each->session->content_failed(reason);
    go_on();
}

void web_sender::expire()
{
    if (meeting_.is_running()) meeting_.expire();
    for (const auto& each : services_) {
        if (each->session) each->session->expire();
        if (each->back.is_running()) each->back.expire();
    }
    go_on();
}

time_point web_sender::next_deadline() const noexcept
{
    time_point next = meeting_.is_running() ? meeting_.next_deadline() : no_deadline;
    for (const auto& each : services_) {
        if (each->session) next = std::min(next, each->session->next_deadline());
        next = std::min(next, each->back.next_deadline());
    }
    return next;
}

} // namespace parley::web
