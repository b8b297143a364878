// A run of a receiver: from the code to the stored document (SESSION2.md section 9).
//
//     meeting ──▶ session ──▶ over
//                  │   ▲
//                  ▼   │ back at the relay
//               continuing
#pragma once

#include "peer/web/module/continuation.hpp"
#include "peer/web/module/receiver_session.hpp"

namespace parley::web {

class web_receiver {
public:
    // `all` must outlive it.
    web_receiver(context& all, secret_bytes code);

    void begin() { meeting_.begin(); }
    void cancel();
    bool is_over() const noexcept { return stage_ == stage::over; }

    // The document that was offered; null before.
    const std::shared_ptr<const document_outline>& document() const noexcept { return run_.document; }
    // The user's answer to action::offer. Once.
    void accept();
    void refuse(session_reason reason, std::string text);

    bool owns(connection which) const noexcept;
    void opened(connection which);
    void receive(connection which, bytes_view& input);
    void closed(connection which, bool in_order);
    void sent(connection which, std::size_t n);
    // The page has done its next `actions` of those that store.
    void stored(std::size_t actions);
    void store_failed(session_reason reason, std::string text);
    void expire();
    time_point next_deadline() const noexcept;

private:
    enum class stage : byte { meeting, session, placing, continuing, over };

    void look_at_meeting();
    void open_session(entered_room room);
    void session_ended();
    void go_back();
    void look_at_continuation();
    void go_on();
    void end(failure why);

    context& all_;
    rendezvous meeting_;
    continuation back_;
    receiving_run run_;
    std::optional<receiver_session> session_;
    stage stage_ = stage::meeting;
    secret_bytes reconnection_;
    bool has_returned_ = false, is_cancelled_ = false;
    bool moved_ = false;                     // in the session that broke
    failure broke_;                          // why it did
    std::optional<time_point> telling_ends_; // the document is stored, and the sender may not know
};

} // namespace parley::web
