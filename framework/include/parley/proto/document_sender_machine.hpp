// The sender of a document on a secure stream (SESSION2.md sections 6 to 8). It writes the offer, hears what the
// receiver has, and decides what is sent in which order. Its owner has the files.
//
// Transitions, one row per message. Any other message, and an end before its time, is answered with error 08.
//
//   message    | phase          | does
//   -          | offer          | writes offer, entries, offer end                          -> answer
//   refuse     | offer, answer  | finishes
//   accept     | answer         | remembers what the receiver has                           -> answer, no refuse
//   accept end | answer         | event accepted, then for each file:
//   -          | prefix         | event open_file, match_prefix() if the receiver has a part
//   -          | file, data     | begin_file(), data() any number of times, end_file()
//   -          |                | after the last file writes sent                           -> sent
//   progress   | after answer   | event progress
//   stored     | sent           | event stored, finishes
//   error      | any            | finishes
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/document_outline.hpp>
#include <parley/proto/machine.hpp>

#include <memory>
#include <span>
#include <variant>

namespace parley {

// What the receiver has of a file, by its own words.
struct accepted_part {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
    blake2b_256_digest digest{};
};

struct document_sender_options {
    // An earlier session of the same agreement has sent `sent`: the receiver may answer the offer with `stored`.
    bool was_sent = false;
    duration answer_timeout = std::chrono::hours{1}; // for the answer to the offer
};

namespace document_sender_event {
// The receiver takes the document.
struct accepted {};
// This file is next. If `offset` is not 0, the receiver has that many bytes: the owner calls match_prefix(). Then
// it calls begin_file(), unless the file is left out.
struct open_file {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
};
// The receiver has this many bytes of content. To be shown; it decides nothing.
struct progress {
    std::uint64_t bytes = 0;
};
// The document stands in its place on the other side. The last event.
struct stored {};
} // namespace document_sender_event

using document_sender_event_variant =
    std::variant<document_sender_event::accepted, document_sender_event::open_file,
                 document_sender_event::progress, document_sender_event::stored>;

// A TimedMachine. output() holds one message of the offer, and whatever its owner gives to data(): the owner gives
// more once the rest is written. When it is finished, the owner writes the rest of output() and then ends its
// direction of the stream; or aborts the session with reason 02 if aborts() says so. Memory: 48 bytes for each
// entry of which the receiver has a part.
//
// error(): document_rule_broken, document_changed, timed_out, what to_errc() says of the other side's reason, or the
// argument of fail() or stop(). Not set after `stored`. Not thread-safe.
class document_sender_machine {
public:
    using event = document_sender_event_variant;

    // `document` is complete.
    document_sender_machine(time_point now, std::shared_ptr<const document_outline> document,
                            document_sender_options options = {});
    document_sender_machine(document_sender_machine&&) noexcept;
    document_sender_machine& operator=(document_sender_machine&&) noexcept;
    ~document_sender_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why); // cancelled: the session is aborted with reason 02

    // All that the receiver has, with ascending entries. Complete after `accepted`.
    std::span<const accepted_part> accepted() const noexcept;

    struct file_start {
        std::uint64_t offset = 0; // the first byte to send
        bool left_out = false;    // the receiver has it all; the next event is about another file
    };
    // After open_file with an offset: the digest of the sender's own first `offset` bytes, or nothing where it does
    // not have as many.
    file_start match_prefix(const std::optional<blake2b_256_digest>& own);
    void begin_file(content_encoding encoding);
    // The next bytes of the file, encoded, which may be none, and how many bytes of content went into them.
    void data(bytes_view encoded, std::uint64_t content_bytes);
    // The file is complete, and so is its encoding. If it has not the size of its entry, this is error 06.
    void end_file();
    // This side gives up. `why` becomes error().
    void fail(document_fault fault, error_code why);

    void expire(time_point now);
    time_point next_deadline() const noexcept;

    bytes_view output() const;
    void consume_output(std::size_t n);
    // Exchanges all of output() for `with`, whose content is dropped. The machine takes it for written.
    void take_output(byte_vector& with);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;

    // Whether `sent` has been written.
    bool is_sent() const noexcept;
    bool aborts() const noexcept;
    // Why it finished without success. Not set when the connection failed.
    const std::optional<document_ending>& ending() const noexcept;
    // Bytes of content that data() was given.
    std::uint64_t content_bytes() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
