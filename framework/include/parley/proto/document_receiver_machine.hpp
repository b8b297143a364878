// The receiver of a document on a secure stream (SESSION2.md sections 6 to 8). It decides which message may come,
// checks what is offered, and counts what has come. Its owner has the disk and the user.
//
// Transitions, one row per message. Any other message, and an end before its time, is answered with error 08.
//
//   message   | phase     | does
//   offer     | offer     | event offered                                              -> entries
//   entries   | entries   | checks each entry
//   offer end | entries   | event question                                             -> question
//   -         | question  | accept() any number of times, accept_end()                 -> content
//   file      | content   | event file                                                 -> file
//   data      | file      | event data, answered by content()
//   file end  | file      | event file_end                                             -> content
//   sent      | content   | event complete                                             -> placing
//   -         | placing   | stored()                                                   -> stored
//   end       | placing   | remembered
//   end       | stored    | finishes
//   error     | any       | finishes
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/document_outline.hpp>
#include <parley/proto/machine.hpp>

#include <memory>
#include <variant>

namespace parley {

struct document_receiver_options {
    // What is above these limits is refused with reason 03.
    std::uint64_t max_entries = 1'000'000;
    std::uint64_t max_entries_bytes = std::uint64_t{256} << 20; // of all entries, as they are sent
    std::uint64_t max_bytes = std::uint64_t{1} << 63;           // of content; a stream's is not known
    // What an earlier session of this run was offered. Another offer now is error 06, and document_differs.
    std::shared_ptr<const document_outline> earlier;
    // The document was stored in an earlier session: `offer end` is answered with `stored`.
    bool is_stored = false;
    duration offer_timeout = std::chrono::seconds{60};    // for each message until `offer end`
    duration end_timeout = std::chrono::seconds{60};      // for the sender's end, after `stored`
    duration progress_interval = std::chrono::seconds{1}; // between 0.5 and 2 seconds
};

namespace document_receiver_event {
// The offer has come, its entries have not. The owner may refuse from now on.
struct offered {
    document_offer announced;
};
// The whole offer has come and is right. The owner asks the user, then calls accept() and accept_end(), or
// fail(). `known` means that the user was asked in an earlier session.
struct question {
    std::shared_ptr<const document_outline> document;
    bool known = false;
};
// The bytes of this entry follow, from `offset` on. That is 0 or what was accepted. `due` is the number of bytes
// that must follow once they are decoded, unknown_size in a stream. Files between the last one and this are
// complete with what was accepted.
struct file {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0;
    content_encoding encoding = content_encoding::plain;
    std::uint64_t due = 0;
};
// The next bytes of the file, encoded, 1 to 262144. They are valid as long as the input. Before the next input the
// owner decodes them and calls content().
struct data {
    bytes_view bytes;
};
// The file has as many bytes as are due. Its owner checks that the encoding is complete, too.
struct file_end {
    std::uint32_t entry = 0;
};
// Everything has come. The owner puts the document into its place and calls stored().
struct complete {};
} // namespace document_receiver_event

using document_receiver_event_variant =
    std::variant<document_receiver_event::offered, document_receiver_event::question,
                 document_receiver_event::file, document_receiver_event::data,
                 document_receiver_event::file_end, document_receiver_event::complete>;

// A TimedMachine. Its owner holds back the sender by not calling receive(). When it is finished, the owner writes
// the rest of output() and then ends its direction of the stream; or aborts the session with reason 02 if aborts()
// says so. Memory: the outline, 16 bytes for each accepted entry, one message of at most 64 KiB.
//
// error(): document_rule_broken, entry_not_taken, document_differs, too_many_entries, document_too_large,
// timed_out, what to_errc() says of the other side's reason, or the argument of fail() or stop(). Once the document
// is stored, only a lost connection (condition::transport) is an error: the sender may not know. Not thread-safe.
class document_receiver_machine {
public:
    using event = document_receiver_event_variant;

    explicit document_receiver_machine(time_point now, document_receiver_options options = {});
    document_receiver_machine(document_receiver_machine&&) noexcept;
    document_receiver_machine& operator=(document_receiver_machine&&) noexcept;
    ~document_receiver_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why); // cancelled: the session is aborted with reason 02

    // The first `offset` bytes of this entry are here and have this digest. After `question`, with ascending
    // entries of kind file and 1 <= offset <= size. False, and nothing happens, for anything else.
    bool accept(std::uint32_t entry, std::uint64_t offset, const blake2b_256_digest& digest);
    // The document may come.
    void accept_end();
    // `n` decoded bytes of the file have come. False when the file is longer than its entry: the machine has failed,
    // and the bytes must not be used.
    bool content(std::uint64_t n);
    // The document stands in its place.
    void stored();
    // This side gives up. Refuses where that is possible, for the reasons 01, 03 and 04, else sends an error. `why`
    // becomes error().
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

    // Whether `stored` has been sent: this side has succeeded, and writes nothing after output() but its end.
    bool is_stored() const noexcept;
    bool aborts() const noexcept;
    // Why it finished without success. Not set when the connection failed.
    const std::optional<document_ending>& ending() const noexcept;
    // Bytes of content that are here, kept ones included.
    std::uint64_t content_bytes() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
