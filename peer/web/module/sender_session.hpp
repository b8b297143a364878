// Sends a document in one session of version 2 (SESSION2.md sections 6 to 8).
#pragma once

#include "peer/web/module/content_feed.hpp"
#include "peer/web/module/document_session.hpp"

namespace parley::web {

// What the sessions with one receiver share.
struct sending_receiver {
    std::uint32_t number = 1; // also names the reader of its content
    hashed_prefix hashed;
    bool was_sent = false; // an earlier session has sent all
};

class sender_session : public document_session<document_sender_machine> {
public:
    // All must outlive it.
    sender_session(context& all, connection room, session2_machine session, const offered_document& document,
                   sending_receiver& receiver);

    void receive(bytes_view& input);
    void content(bytes_view bytes);
    void content_failed(session_reason reason);
    // Moves what can be moved. Call it after every other input.
    void go_on();
    // Once it is over.
    session_end end();

private:
    void handle_events();
    void read_stream();

    const offered_document& document_;
    sending_receiver& receiver_;
    std::optional<content_feed> feed_;
};

} // namespace parley::web
