#include "peer/reporter.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using json = nlohmann::ordered_json;

double rounded_seconds(duration time)
{
    return std::round(std::chrono::duration<double>(time).count() * 1000) / 1000;
}

class json_reporter final : public reporter {
public:
    json_reporter(text_sink messages, text_sink output)
        : messages_(std::move(messages)), output_(std::move(output)), pace_(progress_pace::each(250ms))
    {
    }

    void code(std::string_view code, std::string_view command, std::string_view) override
    {
        put({{"event", "code"}, {"code", code}, {"command", command}});
    }
    void warning(std::string_view text) override
    {
        put({{"event", "warning"}, {"message", text}});
        messages_(fmt::format("parley: warning: {}\n", text));
    }
    void skipped(const skipped_path& path) override
    {
        put({{"event", "skipped"}, {"path", path.path}, {"reason", path.reason}});
    }
    void document(std::string_view name, bool is_directory, std::uint64_t files,
                  std::uint64_t content_bytes) override
    {
        json event{{"event", "document"}, {"name", name}, {"directory", is_directory}, {"files", files}};
        event["bytes"] = content_bytes == unknown_size ? json(nullptr) : json(content_bytes);
        put(event);
    }
    void connecting(std::string_view relay, std::string_view proxy) override
    {
        json event{{"event", "connecting"}, {"relay", relay}};
        if (!proxy.empty()) event["proxy"] = proxy;
        put(std::move(event));
    }
    void connected(std::string_view address) override { put({{"event", "connected"}, {"address", address}}); }
    void identified(std::string_view self) override { put({{"event", "identified"}, {"identity", self}}); }
    void waiting() override { put({{"event", "waiting"}}); }
    void reconnecting(std::string_view why, duration pause) override
    {
        put({{"event", "reconnecting"}, {"reason", why}, {"seconds", rounded_seconds(pause)}});
    }
    void rejected(std::string_view peer, const error_code& why) override
    {
        put({{"event", "rejected"}, {"peer", peer}, {"reason", why.message()}});
    }
    void guesses(const guess_report& last_minute) override
    {
        put({{"event", "guesses"}, {"count", last_minute.count}, {"addresses", last_minute.addresses}});
    }
    void trying_again() override { put({{"event", "trying_again"}}); }
    void refused(std::string_view peer) override { put({{"event", "refused"}, {"peer", peer}}); }
    void offered(std::string_view peer) override { put({{"event", "offered"}, {"peer", peer}}); }
    void withdrawn(std::string_view peer) override { put({{"event", "withdrawn"}, {"peer", peer}}); }
    void receiver_left(std::string_view message) override
    {
        meter_.reset();
        pending_.reset();
        put({{"event", "receiver_left"}, {"message", message}});
        messages_(fmt::format("parley: {}; waiting on with the same code\n", message));
    }
    void interrupted(std::string_view why, duration pause) override
    {
        meter_.reset();
        pending_.reset();
        put({{"event", "interrupted"}, {"reason", why}, {"seconds", rounded_seconds(pause)}});
    }
    void resumed() override { put({{"event", "resumed"}}); }
    void delivered(std::string_view peer, std::uint64_t number) override
    {
        put({{"event", "delivered"}, {"peer", peer}, {"receivers", number}});
    }
    void offer(std::string_view peer, const document_outline& document) override
    {
        static constexpr std::array kinds{"file", "directory", "items", "stream", "text"};
        const document_offer& o = document.offer();
        json event{
            {"event", "offer"}, {"peer", peer},     {"kind", kinds.at(static_cast<std::size_t>(o.kind))},
            {"name", o.name},   {"files", o.files}, {"directories", o.directories}};
        event["bytes"] = o.bytes == unknown_size ? json(nullptr) : json(o.bytes);
        put(event);
    }
    void list(const document_outline&) override {}
    void agreed(std::string_view self, std::string_view peer) override
    {
        put({{"event", "agreed"}, {"identity", self}, {"peer", peer}});
    }
    void progress(time_point now, std::uint64_t bytes, std::optional<std::uint64_t> total) override
    {
        if (!meter_) meter_.emplace(now);
        const progress_state state = meter_->update(now, bytes, total);
        last_bytes_ = bytes;
        last_total_ = total;
        if (!pace_.due(now, state)) {
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
    void question(std::string_view text) override { messages_(text); }
    void question_ended(bool answered) override
    {
        if (!answered) messages_("\n");
    }
    void text(std::string_view text, bool) override { put({{"event", "text"}, {"text", text}}); }
    void finishing() override
    {
        if (pending_) show(*pending_);
        pending_.reset();
        meter_.reset();
        put({{"event", "finishing"}});
    }
    void done(const transfer_summary& s) override
    {
        json event{{"event", "done"},
                   {"name", s.name},
                   {"peer", s.peer},
                   {"directory", s.is_directory},
                   {"files", s.files},
                   {"directories", s.directories},
                   {"bytes", s.content_bytes},
                   {"stream_bytes", s.stream_bytes},
                   {"seconds", rounded_seconds(s.time)}};
        if (!s.path.empty()) event["path"] = s.path;
        event["skipped"] = s.skipped;
        put(event);
    }
    void exposed(std::string_view target) override { put({{"event", "exposed"}, {"target", target}}); }
    void listening(std::string_view address, std::string_view target) override
    {
        put({{"event", "listening"}, {"address", address}, {"target", target}});
    }
    void opened(forward_number connection, std::string_view target, std::string_view address) override
    {
        put({{"event", "opened"}, {"connection", connection}, {"target", target}, {"address", address}});
    }
    void not_opened(forward_number connection, std::string_view target, std::string_view why) override
    {
        json event{{"event", "not_opened"}, {"connection", nullptr}, {"target", target}, {"reason", why}};
        if (connection != 0) event["connection"] = connection;
        put(event);
    }
    void closed(forward_number connection, std::string_view target, const forward_counts& bytes,
                const error_code& why) override
    {
        json event{{"event", "closed"},
                   {"connection", connection},
                   {"target", target},
                   {"sent", bytes.sent},
                   {"received", bytes.received}};
        event["reason"] = why ? json(why.message()) : json(nullptr);
        put(event);
    }
    void ended(const forward_summary& s) override
    {
        put({{"event", "ended"},
             {"peer", s.peer},
             {"connections", s.connections},
             {"sent", s.bytes.sent},
             {"received", s.bytes.received},
             {"seconds", rounded_seconds(s.time)}});
    }
    void failed(exit_code, int status, std::string_view message) override
    {
        put({{"event", "error"}, {"exit", status}, {"message", message}});
        messages_(fmt::format("parley: {}\n", message));
    }

private:
    void show(const progress_state& state)
    {
        json event{{"event", "progress"},
                   {"bytes", state.done_bytes},
                   {"total", nullptr},
                   {"rate", nullptr},
                   {"left", nullptr}};
        if (state.total_bytes) event["total"] = *state.total_bytes;
        if (state.bytes_per_second) event["rate"] = std::round(*state.bytes_per_second);
        if (state.time_left && *state.time_left < 1000h) event["left"] = rounded_seconds(*state.time_left);
        if (state.stalled_for) event["stalled"] = rounded_seconds(*state.stalled_for);
        put(event);
    }
    // Invalid UTF-8 in a name becomes U+FFFD, and everything above ASCII becomes \uNNNN, so that no line can
    // affect a terminal.
    void put(const json& event) { output_(event.dump(-1, ' ', true, json::error_handler_t::replace) + "\n"); }

    text_sink messages_;
    text_sink output_;
    progress_pace pace_;
    std::optional<progress_meter> meter_; // while bytes are due
    std::uint64_t last_bytes_ = 0;
    std::optional<std::uint64_t> last_total_;
    std::optional<progress_state> pending_;
};

} // namespace

std::unique_ptr<reporter> make_json_reporter(text_sink messages, text_sink output)
{
    return std::make_unique<json_reporter>(std::move(messages), std::move(output));
}

} // namespace parley::cli
