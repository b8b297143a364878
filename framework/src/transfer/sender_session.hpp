// Sends a document in one session of version 2 (SESSION2.md sections 6 to 8). Private to the framework.
#pragma once

#include "transfer/content_pump.hpp"
#include "transfer/document_session.hpp"
#include "transfer/path_estimator.hpp"

#include <boost/asio/write.hpp>

namespace parley::detail {

// What the sessions of one run share.
struct sending_run {
    content_source& source;
    std::shared_ptr<const document_outline> document;
    executor blocking;
    time_source& time;
    peer_observer& observer;
    content_pump::options pumping;
};

// What the sessions with one receiver share.
struct sending_receiver {
    hashed_prefix hashed;
    bool was_sent = false; // an earlier session has sent all
};

class sender_session : document_session<document_sender_machine> {
public:
    sender_session(const executor& ex, secure_stream& stream, sending_run& run, sending_receiver& receiver);

    // The calling coroutine has called throw_if_cancelled(false). Cancellation (terminal): the session is aborted.
    awaitable<session_end> run();

private:
    awaitable<void> read();
    void handle_events();
    bool feed();
    void take_step(const content_pump::step& s);

    sending_run& run_;
    sending_receiver& receiver_;
    std::optional<content_pump> content_;
    path_estimator path_;
    std::size_t step_ = 0; // of the current block
};

} // namespace parley::detail
