// What the program tells its user: one interface with three forms (words, words on a terminal, JSON).
#pragma once

#include "peer/exit_code.hpp"
#include "peer/progress.hpp"

#include <parley/payload/document_source.hpp>
#include <parley/proto/document_outline.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/session/forward.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::cli {

// The result of a successful transfer.
struct transfer_summary {
    std::string name; // of the document, as it was offered
    std::string path; // where it is now; empty for a sender, "-" for standard output
    std::string peer; // the identity of the other side
    bool is_directory = false;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t stream_bytes = 0;
    std::uint64_t skipped = 0; // number of paths that did not travel, or that the receiver cannot hold
    duration time{};
};

// The end of a session of forwarded ports.
struct forward_summary {
    std::string peer; // the identity of the other side
    std::uint64_t connections = 0;
    forward_counts bytes;
    duration time{};
};

// The reporter escapes every text from the other side and every file name.
class reporter {
public:
    virtual ~reporter() = default;

    // A code was made: `code` is for the other user, "the receiver" or what `who` says, who may run `command`.
    virtual void code(std::string_view code, std::string_view command, std::string_view who) = 0;
    virtual void warning(std::string_view text) = 0;
    virtual void skipped(const skipped_path& path) = 0;
    // Sender: the document on offer; unknown_size of a stream.
    virtual void document(std::string_view name, bool is_directory, std::uint64_t files,
                          std::uint64_t content_bytes) = 0;
    // `proxy` is the proxy in use, without credentials; empty: none.
    virtual void connecting(std::string_view relay, std::string_view proxy) = 0;
    virtual void connected(std::string_view address) = 0;
    virtual void identified(std::string_view self) = 0;
    virtual void waiting() = 0;
    // The relay was lost during the wait, or is still away: `why`. The next connection is made after `pause`.
    virtual void reconnecting(std::string_view why, duration pause) = 0;
    virtual void rejected(std::string_view peer, const error_code& why) = 0;
    // So many with another code in the last minute: somebody may be guessing.
    virtual void guesses(const guess_report& last_minute) = 0;
    virtual void trying_again() = 0;                   // receiver: a sender has not answered
    virtual void refused(std::string_view peer) = 0;   // sender: by the other user
    virtual void offered(std::string_view peer) = 0;   // receiver: somebody knows the code
    virtual void withdrawn(std::string_view peer) = 0; // receiver: that sender has left again
    // Sender: the receiver left before the end, as `message` says; the wait begins again.
    virtual void receiver_left(std::string_view message) = 0;
    // The connection broke; both sides come back, this one after `pause`. Called for each attempt that fails.
    virtual void interrupted(std::string_view why, duration pause) = 0;
    virtual void resumed() = 0;
    // Sender of several: a receiver has stored the document; it is the `number`-th.
    virtual void delivered(std::string_view peer, std::uint64_t number) = 0;
    // Receiver, version 2: `peer` offers this; and every path of it.
    virtual void offer(std::string_view peer, const document_outline& document) = 0;
    virtual void list(const document_outline& document) = 0;
    virtual void agreed(std::string_view self, std::string_view peer) = 0;
    virtual void progress(time_point now, std::uint64_t bytes, std::optional<std::uint64_t> total) = 0;
    // Time passes: shows the last progress again, with the rate of now. Call it about once a second.
    virtual void tick(time_point now) = 0;
    // A question whose answer is typed on the same terminal. Progress waits until it is answered. `answered`
    // says whether a line was typed.
    virtual void question(std::string_view text) = 0;
    virtual void question_ended(bool answered) = 0;
    // Receiver: a text has come. `on_terminal` says that standard output is one: nothing in the text acts on it.
    virtual void text(std::string_view text, bool on_terminal) = 0;
    virtual void finishing() = 0;
    virtual void done(const transfer_summary& summary) = 0;
    // The events of forwarded ports (session/forward.hpp). Number 0 is a connection that this side could not open.
    virtual void exposed(std::string_view target) = 0;
    virtual void listening(std::string_view address, std::string_view target) = 0;
    virtual void opened(forward_number connection, std::string_view target, std::string_view address) = 0;
    virtual void not_opened(forward_number connection, std::string_view target, std::string_view why) = 0;
    virtual void closed(forward_number connection, std::string_view target, const forward_counts& bytes,
                        const error_code& why) = 0;
    // The other side has ended the session in order.
    virtual void ended(const forward_summary& summary) = 0;
    virtual void failed(exit_code exit, int status, std::string_view message) = 0;
};

// Where a reporter writes. Each call gets a complete piece of text.
using text_sink = std::function<void(std::string_view)>;

struct text_style {
    bool quiet = false;                   // only the code, warnings of the command line and failures
    std::function<std::size_t()> columns; // set on a terminal: draw a bar at most this wide
};

// Writes words for people to `messages` (standard error) and the code to `output` (standard output).
std::unique_ptr<reporter> make_text_reporter(text_sink messages, text_sink output, text_style style);

// Writes one JSON object per line to `output`, in ASCII. Failures and warnings go to `messages` as well, in
// words. docs/usage.md lists the events.
std::unique_ptr<reporter> make_json_reporter(text_sink messages, text_sink output);

// Writes to a file descriptor. Ignores failures, because nobody is left to tell.
text_sink descriptor_sink(int descriptor);

} // namespace parley::cli
