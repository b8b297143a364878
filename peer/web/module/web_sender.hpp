// A run of a sender: from the code to the last receiver's `stored` (SESSION2.md section 9).
//
//     wait with the code ──▶ somebody agrees ──▶ session ──▶ stored
//             ▲                                    │  ▲
//             └──── the receiver did not take it ──┤  └── back at the relay
//                                                  └──▶ the connection broke
#pragma once

#include "peer/web/module/continuation.hpp"
#include "peer/web/module/sender_session.hpp"

namespace parley::web {

class web_sender {
public:
    // Serves so many receivers; 0: as many as come within an hour. `all` must outlive it.
    web_sender(context& all, offered_document document, secret_bytes code, std::uint64_t receivers);

    void begin() { meet(); }
    void cancel();
    bool is_over() const noexcept { return is_over_; }

    bool owns(connection which) const noexcept;
    void opened(connection which);
    void receive(connection which, bytes_view& input);
    void closed(connection which, bool in_order);
    void sent(connection which, std::size_t n);
    void content(std::uint32_t reader, bytes_view bytes);
    void content_failed(std::uint32_t reader, session_reason reason);
    void expire();
    time_point next_deadline() const noexcept;

private:
    // Everything between the agreement with one receiver and the end of its last session.
    struct service {
        explicit service(context& all) : back(all, session_role::server) {}

        sending_receiver receiver;
        secret_bytes reconnection;
        continuation back;
        std::optional<sender_session> session;
        bool has_returned = false; // to be told once both are in the session
        bool is_over = false;
    };

    void meet();
    void look_at_meeting();
    void start(secret_bytes reconnection, std::optional<entered_room> room, failure why);
    void open_session(service& with, entered_room room);
    void look_at(service& each);
    void session_ended(service& each);
    void go_back(service& each, bool moved, failure why);
    void end(service& each, failure why, bool waits_on);
    void go_on();
    void give_up(failure why);
    bool wants_another() const noexcept;

    context& all_;
    const offered_document document_;
    const secret_bytes code_;
    const std::uint64_t receivers_;
    rendezvous meeting_;
    bool is_meeting_ = false;
    std::vector<std::unique_ptr<service>> services_;
    std::uint32_t last_number_ = 0;
    std::uint64_t stored_ = 0;
    failure last_failure_; // of a receiver, while the wait goes on
    bool gives_up_ = false, is_over_ = false;
    failure failure_; // without a code: success
};

} // namespace parley::web
