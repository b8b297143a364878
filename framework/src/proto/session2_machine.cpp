#include <parley/proto/session2_machine.hpp>

#include <parley/proto/session2_records.hpp>

#include <proto/deadline.hpp>
#include <proto/fifo.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <utility>

namespace parley {
namespace {

using namespace std::chrono_literals;

constexpr duration max_hello_wait = 30s;
constexpr duration max_peer_silence = 60s;
constexpr duration ping_interval = 15s;
constexpr duration max_linger = 5s;
constexpr std::size_t full_output_bytes = 256 * 1024;

error_code error_of_abort(session_reason reason) noexcept
{
    switch (reason) {
    case session_reason::refused_by_user:
        return errc::refused_by_peer;
    case session_reason::protocol:
        return errc::protocol_mismatch;
    default:
        return errc::aborted_by_peer;
    }
}

std::string describe(const session2_record_reader::record& record)
{
    const byte type = static_cast<byte>(record.type);
    return "a record of type " + to_hex({&type, 1}) + " with " + std::to_string(record.content.size()) +
           " bytes";
}

} // namespace

struct session2_machine::state {
    state(session2_record_writer w, session2_record_reader r, const session2_hello& h, time_point start)
        : writer{std::move(w)}, reader{std::move(r)}, own_protocol{h.protocol}, now{start}
    {
        send(record_type::hello, encode(h));
    }

    std::optional<session2_record_writer> writer; // empty once this side sends no more
    std::optional<session2_record_reader> reader; // empty once nothing more can be read
    std::string own_protocol;
    fifo<event> events;
    byte_vector output;
    std::size_t output_begin = 0;
    bytes_view unread; // the content of the reader's last record that the owner has not taken

    time_point now;
    time_point opened_at = now, heard_at = now, sent_at = now;
    time_point linger_until = no_deadline;

    bool open = false;     // the other side's hello has come
    bool ends = false;     // end() was called
    bool end_sent = false; // its record is in the output
    bool peer_ended = false, input_ended = false;
    bool finished = false;
    error_code error; // set when the session fails, while it lingers

    bool is_lingering() const noexcept { return linger_until != no_deadline; }
    std::size_t waiting_output() const noexcept { return output.size() - output_begin; }

    // --- the table of transitions ----------------------------------------------------------------

    void receive_record(const session2_record_reader::record& record)
    {
        const bool is_empty = record.content.empty();
        switch (record.type) {
        case record_type::abort:
            return hear_abort(record.content);
        case record_type::hello:
            if (peer_ended) return break_rule("a record after the end");
            return open ? break_rule("a hello out of its place") : hear_hello(record.content);
        case record_type::ping:
            if (!open) return break_rule("no hello");
            return is_empty ? void() : break_rule(describe(record));
        default:
            break;
        }
        if (!open) return break_rule("no hello");
        if (peer_ended) return break_rule("a record after the end");
        if (record.type == record_type::data && !is_empty) return hear_data(record.content);
        if (record.type == record_type::end && is_empty) return hear_end();
        break_rule(describe(record));
    }

    // --- what the transitions do -----------------------------------------------------------------

    void hear_hello(bytes_view content)
    {
        diagnostics diag;
        auto hello = parse_hello(content, &diag);
        if (!hello) return break_rule(diag.message());
        if (hello->protocol != own_protocol)
            return give_up(session_reason::protocol,
                           "the protocol is '" + hello->protocol + "' there, '" + own_protocol + "' here",
                           errc::protocol_mismatch);
        open = true;
        sent_at = now;
        events.push(session2_event::opened{std::move(*hello)});
        send_end_if_due();
    }

    void hear_data(bytes_view content)
    {
        unread = content;
        events.push(session2_event::readable{});
    }

    void hear_end()
    {
        peer_ended = true;
        events.push(session2_event::ended{});
        finish_if_complete();
    }

    void hear_abort(bytes_view content)
    {
        diagnostics diag;
        auto abort = parse_abort(content, &diag);
        if (!abort) return break_rule(diag.message());
        const error_code why = error_of_abort(abort->reason);
        events.push(session2_event::aborted{std::move(*abort)});
        fail(why, {});
    }

    void break_rule(std::string text)
    {
        give_up(session_reason::broken_rule, std::move(text), errc::bad_record);
    }

    void give_up(session_reason reason, std::string text, error_code why)
    {
        if (send(record_type::abort, encode(session2_abort{reason, text}))) linger(why, std::move(text));
    }

    void end_and_discard(error_code why)
    {
        if (!open) return give_up(session_reason::cancelled, {}, why);
        ends = true;
        if (end_sent || send(record_type::end, {})) linger(why, {});
    }

    // Reads on: closing over what the other side still sends could make it lose the reason.
    void linger(error_code why, std::string text)
    {
        unread = {};
        writer.reset();
        linger_until = deadline_after(now, max_linger);
        error = why;
        events.push(session2_event::failed{why, std::move(text)});
        if (input_ended) finish();
    }

    // Sends nothing more.
    void fail(error_code why, std::string text)
    {
        discard_output();
        error = why;
        events.push(session2_event::failed{why, std::move(text)});
        finish();
    }

    void finish()
    {
        finished = true;
        linger_until = no_deadline;
        writer.reset();
        release_reader();
    }

    // The reader's memory holds what the owner has not taken.
    void release_reader() noexcept
    {
        if (finished && unread.empty()) reader.reset();
    }

    void finish_if_complete()
    {
        if (end_sent && peer_ended) finish();
    }

    // --- output ----------------------------------------------------------------------------------

    bool send(record_type type, bytes_view content)
    {
        if (output_begin != 0) {
            output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(output_begin));
            output_begin = 0;
        }
        if (const error_code failed = writer->append(type, content, output)) {
            fail(failed, {});
            return false;
        }
        sent_at = now;
        return true;
    }

    void send_end_if_due()
    {
        if (!ends || end_sent || !open || finished || error) return;
        if (!send(record_type::end, {})) return;
        end_sent = true;
        finish_if_complete();
    }

    bool is_writable() const noexcept
    {
        return open && !ends && !finished && !error && waiting_output() < full_output_bytes;
    }

    std::size_t write(bytes_view data)
    {
        std::size_t taken = 0;
        while (taken < data.size() && is_writable()) {
            const bytes_view part =
                data.subspan(taken, std::min(data.size() - taken, max_session2_content_bytes));
            if (!send(record_type::data, part)) break;
            taken += part.size();
        }
        return taken;
    }

    void consume_output(std::size_t n) noexcept
    {
        if (n == 0) return;
        output_begin += std::min(n, waiting_output());
        if (output_begin != output.size()) return;
        discard_output();
        sent_at = now;
    }

    void discard_output() noexcept
    {
        output.clear();
        output_begin = 0;
    }

    // --- time ------------------------------------------------------------------------------------

    // While the owner has not taken what came, this side is not ready to read.
    time_point silence_deadline() const noexcept
    {
        return input_ended || !unread.empty() ? no_deadline : deadline_after(heard_at, max_peer_silence);
    }
    time_point ping_deadline() const noexcept
    {
        return open && waiting_output() == 0 ? deadline_after(sent_at, ping_interval) : no_deadline;
    }

    void expire(time_point to)
    {
        now = std::max(now, to);
        if (is_lingering()) {
            if (now >= linger_until) {
                discard_output();
                finish();
            }
            return;
        }
        if (!open && now >= deadline_after(opened_at, max_hello_wait))
            return fail(errc::hello_missing, "no hello within 30 seconds");
        if (now >= silence_deadline()) return fail(errc::peer_silent, "not a byte for 60 seconds");
        if (now >= ping_deadline()) send(record_type::ping, {});
    }

    time_point next_deadline() const noexcept
    {
        if (finished || is_lingering()) return linger_until;
        return std::min({open ? no_deadline : deadline_after(opened_at, max_hello_wait), silence_deadline(),
                         ping_deadline()});
    }

    // --- input -----------------------------------------------------------------------------------

    void receive(bytes_view& input)
    {
        if (is_lingering()) return discard(input);
        if (input.empty() || !unread.empty()) return;
        heard_at = now;
        diagnostics diag;
        const auto record = reader->read(input, &diag);
        if (!record) return fail(record.error(), diag.message());
        if (*record) receive_record(**record);
    }

    // Nothing that comes matters any more, but for an abort: after it the other side sends nothing.
    void discard(bytes_view& input)
    {
        const auto record = reader->read(input);
        if (!record) {
            input = {};
        } else if (*record && (*record)->type == record_type::abort) {
            finish();
        }
    }

    void consume_received(std::size_t n) noexcept
    {
        if (unread.empty()) return;
        unread = unread.subspan(std::min(n, unread.size()));
        if (!unread.empty()) return;
        heard_at = now; // only now the other side can be silent again
        release_reader();
    }

    void receive_end()
    {
        input_ended = true;
        if (is_lingering()) return finish();
        if (!peer_ended) fail(errc::peer_disconnected, "the connection ended before the stream did");
    }
};

session2_machine::session2_machine(std::unique_ptr<state> s) noexcept : state_{std::move(s)} {}
session2_machine::session2_machine(session2_machine&&) noexcept = default;
session2_machine& session2_machine::operator=(session2_machine&&) noexcept = default;
session2_machine::~session2_machine() = default;

result<session2_machine> session2_machine::create(session_role role, const session2_keys& keys,
                                                  const session2_hello& hello, time_point now)
{
    if (!is_protocol_name(hello.protocol)) return make_error_code(boost::system::errc::invalid_argument);
    const bool is_server = role == session_role::server;
    auto writer = session2_record_writer::create(keys.with, is_server ? keys.server : keys.client);
    if (!writer) return writer.error();
    auto reader = session2_record_reader::create(keys.with, is_server ? keys.client : keys.server);
    if (!reader) return reader.error();
    return session2_machine{std::make_unique<state>(std::move(*writer), std::move(*reader), hello, now)};
}

result<session2_machine> session2_machine::create_unsealed(const session2_hello& hello, time_point now)
{
    if (!is_protocol_name(hello.protocol)) return make_error_code(boost::system::errc::invalid_argument);
    return session2_machine{std::make_unique<state>(session2_record_writer::unsealed(),
                                                    session2_record_reader::unsealed(), hello, now)};
}

void session2_machine::receive(bytes_view& input)
{
    if (!state_->finished) state_->receive(input);
}

void session2_machine::receive_end()
{
    if (!state_->finished) state_->receive_end();
}

void session2_machine::stop(error_code why)
{
    if (state_->finished) return;
    if (state_->is_lingering()) return state_->finish();
    if (why == errc::cancelled || why == errc::timed_out) return abort(session_reason::cancelled, {}, why);
    state_->fail(why, {});
}

void session2_machine::expire(time_point now)
{
    if (!state_->finished) state_->expire(now);
}

time_point session2_machine::next_deadline() const noexcept
{
    return state_->next_deadline();
}

bytes_view session2_machine::received() const noexcept
{
    return state_->unread;
}

void session2_machine::consume_received(std::size_t n) noexcept
{
    state_->consume_received(n);
}

std::size_t session2_machine::write(bytes_view data)
{
    return state_->write(data);
}

bool session2_machine::is_writable() const noexcept
{
    return state_->is_writable();
}

void session2_machine::end()
{
    state_->ends = true;
    state_->send_end_if_due();
}

void session2_machine::abort(session_reason reason, std::string_view text, error_code why)
{
    if (!state_->finished && !state_->is_lingering()) state_->give_up(reason, std::string{text}, why);
}

void session2_machine::end_and_discard(error_code why)
{
    if (!state_->finished && !state_->is_lingering()) state_->end_and_discard(why);
}

bytes_view session2_machine::output() const
{
    return bytes_view{state_->output}.subspan(state_->output_begin);
}

void session2_machine::consume_output(std::size_t n)
{
    state_->consume_output(n);
}

void session2_machine::take_output(byte_vector& with)
{
    with.clear();
    if (state_->output_begin != 0) with.assign(output().begin(), output().end());
    else with.swap(state_->output);
    state_->discard_output();
    state_->sent_at = state_->now;
}

std::optional<session2_machine::event> session2_machine::next_event()
{
    return state_->events.pop();
}

bool session2_machine::finished() const noexcept
{
    return state_->finished;
}

error_code session2_machine::error() const noexcept
{
    return state_->finished ? state_->error : error_code{};
}

} // namespace parley
