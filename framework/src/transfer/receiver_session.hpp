// Receives a document in one session of version 2 (SESSION2.md sections 6 to 9). Private to the framework.
#pragma once

#include "transfer/content_store.hpp"
#include "transfer/document_session.hpp"

#include <parley/payload/zstd_decoder.hpp>
#include <parley/proto/document_receiver_machine.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/write.hpp>

namespace parley::detail {

// What the sessions of one run share: the sink, what was offered, and the question to the user, which outlives a
// session.
class receiving_run {
public:
    receiving_run(const executor& ex, executor blocking, content_sink& sink, peer_observer& observer,
                  time_source& time);

    // Asks the user about `document`, unless that was done before. notify() is called when the answer is there.
    void ask(const identity& peer, std::shared_ptr<const document_outline> document);
    // Ends an open question, and returns when the observer has ended.
    awaitable<void> end_question();

    struct refusal {
        error_code error;
        document_fault fault;
    };
    // The answer: nothing while there is none.
    bool is_answered() const noexcept { return answered_; }
    const std::optional<refusal>& refused() const noexcept { return refusal_; }

    executor home;
    content_sink& sink;
    peer_observer& observer;
    time_source& time;
    document_receiver_options limits;
    std::shared_ptr<const document_outline> document; // once it was offered
    std::optional<stored_document> stored;
    content_store store;
    std::function<void()> notify; // the current session's

private:
    awaitable<void> put_question(identity peer);

    bool asked_ = false, open_ = false, answered_ = false;
    std::optional<refusal> refusal_;
    asio::cancellation_signal cancel_question_;
    event question_ended_;
};

class receiver_session : document_session<document_receiver_machine> {
public:
    receiver_session(const executor& ex, secure_stream& stream, receiving_run& run, identity peer);

    // The calling coroutine has called throw_if_cancelled(false). Cancellation (terminal): the session is aborted.
    awaitable<session_end> run();

private:
    awaitable<void> read();
    awaitable<void> handle_events();
    awaitable<void> take_data(bytes_view bytes);
    bool counts(std::size_t n);
    awaitable<void> put(bytes_view content);
    awaitable<bool> decide();
    awaitable<void> begin();
    awaitable<void> commit();
    void show_progress();

    receiving_run& run_;
    identity peer_;
    zstd_decoder decoder_;
    content_encoding encoding_ = content_encoding::plain;
    bool question_due_ = false; // the machine waits for the answer
    bool commit_due_ = false;   // the machine waits for stored()
    std::uint64_t came_ = 0;    // bytes of content in this session
};

} // namespace parley::detail
