// What the sessions of a sender and of a receiver have in common: a machine of documents on a link.
#pragma once

#include "peer/web/module/session_link.hpp"

namespace parley::web {

// How one session of a document ended.
struct session_end {
    error_code error;                      // unset: the document is stored
    std::optional<document_ending> ending; // what one side said when it gave up
    std::string problem;                   // of the session, safe to print
    bool was_open = false;                 // both sides have said hello
    bool moved = false;                    // content has passed
    // Only such a session is continued (SESSION2.md section 9).
    bool is_broken() const { return error == condition::transport; }
    std::string text() const { return ending ? escaped(ending->text) : problem; }
};

// `Machine` is document_sender_machine or document_receiver_machine.
template <class Machine>
class document_session {
public:
    bool owns(connection which) const noexcept { return link_.owns(which); }
    void closed(bool in_order) { link_.closed(in_order); }
    void sent(std::size_t n) noexcept { link_.sent(n); }
    void expire()
    {
        link_.expire();
        if (machine_) machine_->expire(all_.now);
        if (all_.now >= patience_ends_) link_.stop(make_error_code(errc::peer_silent));
    }
    time_point next_deadline() const noexcept
    {
        const time_point own = machine_ ? machine_->next_deadline() : no_deadline;
        return std::min({link_.next_deadline(), own, link_.is_closed() ? no_deadline : patience_ends_});
    }
    void cancel()
    {
        if (machine_)
            machine_->stop(errc::cancelled);
        else
            link_.stop(errc::cancelled);
    }
    // Whether both sides have said hello.
    bool was_open() const noexcept { return machine_.has_value(); }
    // Whether nothing more happens here.
    bool is_over() const noexcept { return link_.is_closed() && (!machine_ || machine_->finished()); }

protected:
    document_session(context& all, connection room, session2_machine session)
        : all_(all), link_(all, room, std::move(session))
    {
    }
    ~document_session() = default;

    // Tells the machine of documents how the stream has ended, if it has.
    void tell_end()
    {
        if (!machine_ || !link_.readable().empty() || machine_->finished()) return;
        if (link_.has_peer_ended()) {
            if (!std::exchange(end_told_, true)) machine_->receive_end();
        } else if (link_.failure()) {
            machine_->stop(link_.failure());
        }
    }

    void write_output()
    {
        if (!machine_) return;
        for (bytes_view due = machine_->output(); !due.empty(); due = machine_->output()) {
            bytes_view left = due;
            if (link_.failure())
                left = {};
            else
                link_.write(left);
            machine_->consume_output(due.size() - left.size());
            if (!left.empty()) return;
        }
    }

    // Once the machine of documents has finished and its output is written.
    void wind_up()
    {
        constexpr duration patience = std::chrono::seconds{10}; // more than the session takes to give up
        if (!machine_ || !machine_->finished() || !machine_->output().empty()) return;
        if (std::exchange(winds_up_, true)) return;
        patience_ends_ = all_.now + patience;
        const error_code error = machine_->error();
        const auto& ending = machine_->ending();
        if (machine_->aborts())
            link_.abort(session_reason::cancelled, error);
        else if (error && ending && !ending->by_peer)
            link_.end_and_discard(error);
        else if (!error || ending)
            link_.end();
    }

    session_end make_end() const
    {
        session_end out;
        out.was_open = machine_.has_value();
        out.error = machine_ ? machine_->error() : link_.failure();
        if (machine_) out.ending = machine_->ending();
        out.problem = link_.problem();
        if (const auto& abort = link_.peer_abort(); abort && !out.ending)
            out.ending = document_ending{abort->reason, abort->text, true};
        return out;
    }

    context& all_;
    session_link link_;
    std::optional<Machine> machine_; // once both sides have said hello

private:
    bool end_told_ = false, winds_up_ = false;
    time_point patience_ends_ = no_deadline;
};

} // namespace parley::web
