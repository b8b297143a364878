// What the programs tell their user: one interface, and its three forms (words, words on a terminal, JSON).
#pragma once

#include "peer/exit_code.hpp"
#include "peer/progress.hpp"

#include <parley/payload/document_source.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::cli {

// The end of a transfer that went well.
struct transfer_summary {
    std::string name; // the document's; as it came
    std::string path; // where it is now; empty for a sender, "-" for standard output
    std::string peer; // the other's identity
    bool is_directory = false;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t stream_bytes = 0;
    std::uint64_t skipped = 0; // paths that did not travel
    duration time{};
};

// Every text that comes from the other side, or from a file's name, is escaped by the reporter.
class reporter {
public:
    virtual ~reporter() = default;

    // A code was made: `code` for the other user, who may run `command`.
    virtual void code(std::string_view code, std::string_view command) = 0;
    virtual void warning(std::string_view text) = 0;
    virtual void skipped(const skipped_path& path) = 0;
    virtual void document(std::string_view name, bool is_directory, std::uint64_t files,
                          std::uint64_t content_bytes) = 0; // sender: what is on offer
    // `proxy` is the one on the way, without credentials; empty: none.
    virtual void connecting(std::string_view relay, std::string_view proxy) = 0;
    virtual void connected(std::string_view address) = 0;
    virtual void identified(std::string_view self) = 0;
    virtual void waiting() = 0;
    virtual void rejected(std::string_view peer, const error_code& why) = 0;
    virtual void refused(std::string_view peer) = 0;   // sender: by the other user
    virtual void offered(std::string_view peer) = 0;   // receiver: somebody knows the code
    virtual void withdrawn(std::string_view peer) = 0; // receiver: and has left again
    virtual void agreed(std::string_view self, std::string_view peer) = 0;
    virtual void progress(time_point now, std::uint64_t bytes, std::optional<std::uint64_t> total) = 0;
    virtual void finishing() = 0;
    virtual void done(const transfer_summary& summary) = 0;
    virtual void failed(exit_code exit, int status, std::string_view message) = 0;
};

// Where a reporter writes: whole pieces of text, at once.
using text_sink = std::function<void(std::string_view)>;

struct text_style {
    bool quiet = false;                   // only the code, warnings of the command line and failures
    std::function<std::size_t()> columns; // set on a terminal: a bar is drawn, this wide at most
};

// Words for people on `messages` (standard error); the code on `output` (standard output).
std::unique_ptr<reporter> make_text_reporter(text_sink messages, text_sink output, text_style style);

// One JSON object a line on `output`; ASCII only. Failures and warnings stand on `messages` as well, in
// words. docs/usage.md lists the events.
std::unique_ptr<reporter> make_json_reporter(text_sink messages, text_sink output);

// Writes to a file descriptor; failures are ignored, since there is nobody left to tell.
text_sink descriptor_sink(int descriptor);

} // namespace parley::cli
