#include "peer/reporter.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;

std::string capitalized(std::string_view text)
{
    std::string out{text};
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
}

std::string both_ways(const forward_counts& bytes)
{
    return fmt::format("{} sent, {} received", format_bytes(bytes.sent), format_bytes(bytes.received));
}

class text_reporter final : public reporter {
public:
    text_reporter(text_sink messages, text_sink output, text_style style)
        : messages_(std::move(messages)),
          output_(std::move(output)),
          style_(std::move(style)),
          pace_(style_.columns ? progress_pace::each(100ms) : progress_pace::sparse())
    {
    }

    void code(std::string_view code, std::string_view command, std::string_view who) override
    {
        if (style_.quiet) {
            output_(fmt::format("{}\n", code));
            return;
        }
        output_(fmt::format("Code: {}\n", code));
        say(fmt::format("Tell {0} the code. {1} runs:  {2}", who, capitalized(who), command));
    }
    void warning(std::string_view text) override { tell(fmt::format("parley: warning: {}", text)); }
    void skipped(const skipped_path& path) override
    {
        tell(fmt::format("parley: skipped {}: {}", escaped(path.path), escaped(path.reason)));
    }
    void document(std::string_view name, bool is_directory, std::uint64_t files,
                  std::uint64_t content_bytes) override
    {
        const std::string size =
            content_bytes == unknown_size ? "of unknown size" : format_bytes(content_bytes);
        const std::string what = name.empty() ? std::string{} : escaped(name) + ": ";
        if (is_directory)
            say(fmt::format("Sending {}{}, {}", what, format_count(files, "file", "files"), size));
        else
            say(fmt::format("Sending {}{}", what, size));
    }
    void connecting(std::string_view relay, std::string_view proxy) override
    {
        if (relay_lost_) return;
        say(fmt::format("Connecting to the relay at {}{}", escaped(relay),
                        proxy.empty() ? "" : " through the proxy " + escaped(proxy)));
    }
    void connected(std::string_view) override {}
    void identified(std::string_view) override {}
    void waiting() override
    {
        say(relay_lost_ ? "Connected to the relay again; waiting for the other side (Ctrl-C to give up)"
                        : "Waiting for the other side (Ctrl-C to give up)");
        relay_lost_ = false;
    }
    void reconnecting(std::string_view why, duration) override
    {
        if (!std::exchange(relay_lost_, true)) say(fmt::format("Lost the relay: {}; connecting again", why));
    }
    void rejected(std::string_view peer, const error_code& why) override
    {
        say(fmt::format("No match with {}: {}", escaped(peer), why.message()));
    }
    void guesses(const guess_report& last_minute) override
    {
        say(fmt::format("{} with another code came in the last minute, from {}; somebody may be guessing",
                        format_count(last_minute.count, "peer", "peers"),
                        format_count(last_minute.addresses, "address", "addresses")));
    }
    void trying_again() override { say("No answer from a sender yet; trying again"); }
    void refused(std::string_view peer) override
    {
        say(fmt::format("{} refused; still waiting", escaped(peer)));
    }
    void offered(std::string_view peer) override
    {
        say(fmt::format("A sender with this code is here: {}", escaped(peer)));
    }
    void withdrawn(std::string_view peer) override
    {
        say(fmt::format("{} has left; still waiting", escaped(peer)));
    }
    void receiver_left(std::string_view message) override
    {
        meter_.reset();
        pending_.reset();
        tell(fmt::format("parley: {}; waiting on with the same code", message));
    }
    void interrupted(std::string_view why, duration) override
    {
        if (std::exchange(interrupted_, true)) return;
        meter_.reset();
        pending_.reset();
        say(fmt::format("The connection broke: {}; connecting again", why));
    }
    void resumed() override
    {
        if (std::exchange(interrupted_, false)) say("Connected again; going on");
    }
    void delivered(std::string_view peer, std::uint64_t number) override
    {
        say(fmt::format("{} has stored the document ({})", escaped(peer),
                        format_count(number, "receiver", "receivers")));
    }
    void offer(std::string_view, const document_outline&) override {}
    void list(const document_outline& document) override
    {
        for (std::uint32_t i = 0; i < document.entries().size(); ++i) {
            const entry_list::entry e = document.entries().at(i);
            const std::string path = escaped(document.entries().path(i));
            if (e.kind == entry_kind::directory)
                tell(fmt::format("  {:>10}  {}/", "", path));
            else if (e.kind == entry_kind::link)
                tell(fmt::format("  {:>10}  {} -> {}", "link", path, escaped(e.target)));
            else
                tell(fmt::format("  {:>10}  {}", e.size == unknown_size ? "?" : format_bytes(e.size),
                                 path.empty() ? escaped(document.offer().name) : path));
        }
    }
    void agreed(std::string_view, std::string_view peer) override
    {
        say(fmt::format("Agreed with {}", escaped(peer)));
    }

    void progress(time_point now, std::uint64_t bytes, std::optional<std::uint64_t> total) override
    {
        if (style_.quiet) return;
        if (!meter_) meter_.emplace(now);
        const progress_state state = meter_->update(now, bytes, total);
        last_bytes_ = bytes;
        last_total_ = total;
        if (asking_ || !pace_.due(now, state)) {
            pending_ = state;
            return;
        }
        pending_.reset();
        show(state);
    }
    void tick(time_point now) override
    {
        if (meter_) progress(now, last_bytes_, last_total_);
    }
    void question(std::string_view text) override
    {
        messages_(fmt::format("{}{}", line_open_ ? "\n" : "", text));
        line_open_ = asking_ = true;
    }
    void question_ended(bool answered) override
    {
        asking_ = false;
        if (answered) line_open_ = false;
    }
    void text(std::string_view text, bool on_terminal) override
    {
        std::string shown;
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            shown += (on_terminal ? escaped(line) : std::string{line}) + '\n';
            text.remove_prefix(std::min(line.size() + 1, text.size()));
        }
        output_(shown);
    }
    void finishing() override
    {
        if (style_.quiet) return;
        if (style_.columns && pending_) show(*pending_); // leave the bar at the final state
        pending_.reset();
        meter_.reset();
    }
    void done(const transfer_summary& summary) override
    {
        std::string text = summary.path.empty()  ? fmt::format("Sent {}", escaped(summary.name))
                           : summary.path == "-" ? fmt::format("Received {}", escaped(summary.name))
                                                 : fmt::format("Received {}", escaped(summary.path));
        text += summary.is_directory
                    ? fmt::format(": {} in {}, {}", format_count(summary.files, "file", "files"),
                                  format_count(summary.directories, "directory", "directories"),
                                  format_bytes(summary.content_bytes))
                    : fmt::format(": {}", format_bytes(summary.content_bytes));
        const double seconds = std::chrono::duration<double>(summary.time).count();
        text += fmt::format(" in {:.1f} s", seconds);
        if (seconds > 0.05)
            text += fmt::format(", {}", format_rate(static_cast<double>(summary.content_bytes) / seconds));
        if (summary.skipped != 0)
            text += fmt::format("; {} skipped", format_count(summary.skipped, "path", "paths"));
        say(text);
    }
    void exposed(std::string_view target) override { say(fmt::format("Exposing {}", escaped(target))); }
    void listening(std::string_view address, std::string_view target) override
    {
        say(fmt::format("Listening on {}, forwarding to {}", address, escaped(target)));
    }
    void opened(forward_number connection, std::string_view target, std::string_view address) override
    {
        say(fmt::format("Connection {} to {} opened ({})", connection, escaped(target), escaped(address)));
    }
    void not_opened(forward_number connection, std::string_view target, std::string_view why) override
    {
        const std::string which = connection == 0 ? "A connection" : fmt::format("Connection {}", connection);
        say(fmt::format("{} to {} refused: {}", which, escaped(target), escaped(why)));
    }
    void closed(forward_number connection, std::string_view target, const forward_counts& bytes,
                const error_code& why) override
    {
        say(fmt::format("Connection {} to {} closed: {}{}", connection, escaped(target), both_ways(bytes),
                        why ? "; " + why.message() : ""));
    }
    void ended(const forward_summary& summary) override
    {
        say(fmt::format("The other side has ended the session: {}, {} in {:.1f} s",
                        format_count(summary.connections, "connection", "connections"),
                        both_ways(summary.bytes), std::chrono::duration<double>(summary.time).count()));
    }
    void failed(exit_code, int, std::string_view message) override
    {
        tell(fmt::format("parley: {}", message));
    }

private:
    void show(const progress_state& state)
    {
        if (!style_.columns) {
            tell("  " + progress_line(state));
            return;
        }
        // Go to the first column and erase the rest of the old line.
        messages_(fmt::format("\r{}\x1b[K", progress_bar(state, style_.columns())));
        line_open_ = true;
    }
    // Prints on a separate line, below the bar or the question if there is one.
    void tell(const std::string& text)
    {
        messages_(fmt::format("{}{}\n", line_open_ ? "\n" : "", text));
        line_open_ = false;
    }
    void say(const std::string& text)
    {
        if (!style_.quiet) tell(text);
    }

    text_sink messages_;
    text_sink output_;
    text_style style_;
    progress_pace pace_;
    std::optional<progress_meter> meter_; // while bytes are due
    std::uint64_t last_bytes_ = 0;
    std::optional<std::uint64_t> last_total_;
    std::optional<progress_state> pending_; // the newest state that was not shown
    bool line_open_ = false;                // a bar or a question stands on the last line
    bool asking_ = false;
    bool relay_lost_ = false; // and not found again
    bool interrupted_ = false;
};

} // namespace

std::unique_ptr<reporter> make_text_reporter(text_sink messages, text_sink output, text_style style)
{
    return std::make_unique<text_reporter>(std::move(messages), std::move(output), std::move(style));
}

text_sink descriptor_sink(int descriptor)
{
    return [descriptor](std::string_view text) {
        while (!text.empty()) {
            const ssize_t count = ::write(descriptor, text.data(), text.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) { // somebody made it non-blocking
                pollfd set{descriptor, POLLOUT, 0};
                ::poll(&set, 1, 1000);
                continue;
            }
            if (count <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    };
}

} // namespace parley::cli
