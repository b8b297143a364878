// Receives a document in one session of version 2 (SESSION2.md sections 6 to 9).
#pragma once

#include "peer/web/module/document_session.hpp"
#include "peer/web/module/document_store.hpp"

#include <parley/payload/zstd_decoder.hpp>
#include <parley/proto/document_receiver_machine.hpp>

namespace parley::web {

// What the sessions of one run share.
struct receiving_run {
    explicit receiving_run(context& all) : store(all) {}

    document_store store;
    std::shared_ptr<const document_outline> document; // once it was offered
    struct refusal {
        document_fault fault;
        error_code error;
    };
    bool is_answered = false;
    std::optional<refusal> refused; // the user's answer
    std::optional<refusal> store_failed;
    bool is_stored = false;
};

class receiver_session : public document_session<document_receiver_machine> {
public:
    // All must outlive it.
    receiver_session(context& all, connection room, session2_machine session, receiving_run& run);

    // Leaves bytes in `input` while the store has no room.
    void receive(bytes_view& input);
    // Moves what can be moved. Call it after every other input, and after each change of the run.
    void go_on();
    // Once it is over.
    session_end end();

private:
    bool read_stream();
    void handle_events();
    void decode();
    void drop_content() noexcept;
    bool counts(std::size_t n);
    void answer();
    void show_progress();

    receiving_run& run_;
    zstd_decoder decoder_;
    content_encoding encoding_ = content_encoding::plain;
    bytes_view encoded_;        // of the stream's readable bytes: what is not decoded
    bool is_decoding_ = false;  // the decoder may have more without further bytes
    bytes_view decoded_;        // what is not stored
    std::size_t taken_ = 0;     // of the readable bytes, with those
    bool question_due_ = false; // the machine waits for the answer
    bool placing_ = false;      // the machine waits for stored()
    std::uint64_t came_ = 0;    // bytes of content in this session
    std::uint64_t shown_ = 0;
};

} // namespace parley::web
