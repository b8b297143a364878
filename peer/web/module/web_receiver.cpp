#include "peer/web/module/web_receiver.hpp"

#include "peer/web/module/own_hello.hpp"

#include <boost/system/errc.hpp>

#include <algorithm>

namespace parley::web {
namespace {

// How long a receiver tries to tell the sender that the document is stored.
constexpr duration max_telling = std::chrono::minutes{1};

error_code error_of(session_reason reason) noexcept
{
    switch (reason) {
    case session_reason::refused_by_user:
        return errc::refused_by_user;
    case session_reason::no_space:
        return errc::no_room;
    case session_reason::destination_exists:
        return errc::destination_exists;
    case session_reason::bad_entry:
        return errc::entry_not_taken;
    default:
        return make_error_code(boost::system::errc::io_error);
    }
}

} // namespace

web_receiver::web_receiver(context& all, secret_bytes code)
    : all_(all), meeting_(all, std::move(code), {}), back_(all, session_role::client), run_(all)
{
}

void web_receiver::look_at_meeting()
{
    if (meeting_.is_running()) return;
    auto room = meeting_.take_room();
    auto& agreed = meeting_.agreed();
    broke_ = meeting_.why();
    // What fails behind an agreement is continued. A room that is denied is not.
    if (!room && (!agreed || broke_.code == errc::room_denied)) return end(broke_);
    const agreement& first = room ? room->agreed : *agreed;
    reconnection_ = first.keys.session2->reconnection_password();
    if (room) return open_session(std::move(*room));
    moved_ = false;
    go_back();
}

void web_receiver::open_session(entered_room room)
{
    stage_ = stage::session;
    auto session =
        session2_machine::create(session_role::client, *room.agreed.keys.session2, own_hello(), all_.now);
    if (!session) {
        all_.out.push(action::close{room.room, false});
        return end({session.error(), phase::transferring, {}});
    }
    session_.emplace(all_, room.room, std::move(*session), run_);
}

void web_receiver::session_ended()
{
    const session_end ended = session_->end();
    session_.reset();
    broke_ = {ended.error, phase::transferring, ended.text()};
    moved_ = ended.moved;
    if (is_cancelled_) return end(broke_);
    if (!ended.is_broken() && (ended.was_open || !run_.is_stored)) return end(broke_);
    stage_ = stage::placing;
}

void web_receiver::go_back()
{
    stage_ = stage::continuing;
    back_.broke(moved_);
    if (run_.is_stored) {
        if (!telling_ends_) telling_ends_ = all_.now + max_telling;
        back_.limit(*telling_ends_);
    }
    back_.begin(reconnection_, {}, broke_);
}

void web_receiver::look_at_continuation()
{
    if (back_.is_running()) return;
    auto peer = back_.take_peer();
    if (!peer) return end(back_.why());
    has_returned_ = true;
    open_session(std::move(peer->room));
}

// Ends the run. Once it is stored, it has succeeded, whatever happens to the connection.
void web_receiver::end(failure why)
{
    stage_ = stage::over;
    if (!run_.is_stored && run_.store_failed)
        why = {run_.store_failed->error, phase::transferring, run_.store_failed->fault.text};
    if (run_.is_stored || !why.code)
        all_.out.push(action::finished{});
    else
        all_.out.push(action::failed{std::move(why)});
}

void web_receiver::go_on()
{
    if (stage_ == stage::meeting) look_at_meeting();
    if (stage_ == stage::session) {
        session_->go_on();
        if (has_returned_ && session_->was_open()) {
            has_returned_ = false;
            all_.out.push(action::resumed{});
        }
        if (session_->is_over()) session_ended();
    }
    // What has come whole is put into its place before anything else.
    if (stage_ == stage::placing && (!run_.store.is_placing() || run_.store_failed)) go_back();
    if (stage_ == stage::continuing) look_at_continuation();
}

void web_receiver::cancel()
{
    is_cancelled_ = true;
    const failure cancelled{errc::cancelled, phase::transferring, {}};
    switch (stage_) {
    case stage::meeting:
        meeting_.stop();
        return end(cancelled);
    case stage::session:
        session_->cancel();
        return go_on();
    case stage::continuing:
        back_.stop();
        return end(cancelled);
    case stage::placing:
        return end(cancelled);
    case stage::over:
        return;
    }
}

void web_receiver::accept()
{
    run_.is_answered = true;
    go_on();
}

void web_receiver::refuse(session_reason reason, std::string text)
{
    run_.is_answered = true;
    run_.refused = receiving_run::refusal{{reason, std::move(text)}, error_of(reason)};
    go_on();
}

void web_receiver::stored(std::size_t actions)
{
    run_.store.done(actions);
    run_.is_stored = run_.store.is_placed() && !run_.store_failed;
    go_on();
}

void web_receiver::store_failed(session_reason reason, std::string text)
{
    if (!run_.store_failed && !run_.is_stored)
        run_.store_failed = receiving_run::refusal{{reason, std::move(text)}, error_of(reason)};
    go_on();
}

bool web_receiver::owns(connection which) const noexcept
{
    return meeting_.owns(which) || back_.owns(which) || (session_ && session_->owns(which));
}

void web_receiver::opened(connection which)
{
    if (meeting_.owns(which)) meeting_.opened();
    back_.opened(which);
    go_on();
}

void web_receiver::receive(connection which, bytes_view& input)
{
    if (session_ && session_->owns(which))
        session_->receive(input);
    else if (meeting_.owns(which))
        meeting_.receive(input);
    else
        back_.receive(which, input);
    go_on();
}

void web_receiver::closed(connection which, bool in_order)
{
    if (session_ && session_->owns(which)) session_->closed(in_order);
    if (meeting_.owns(which)) meeting_.closed(in_order);
    back_.closed(which, in_order);
    go_on();
}

void web_receiver::sent(connection which, std::size_t n)
{
    if (session_ && session_->owns(which)) session_->sent(n);
    go_on();
}

void web_receiver::expire()
{
    if (meeting_.is_running()) meeting_.expire();
    if (session_) session_->expire();
    if (back_.is_running()) back_.expire();
    go_on();
}

time_point web_receiver::next_deadline() const noexcept
{
    time_point next = meeting_.is_running() ? meeting_.next_deadline() : no_deadline;
    if (session_) next = std::min(next, session_->next_deadline());
    return std::min(next, back_.next_deadline());
}

} // namespace parley::web
