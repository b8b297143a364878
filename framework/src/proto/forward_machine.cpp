#include <parley/proto/forward_machine.hpp>

#include "proto/document/document_message.hpp"
#include "proto/fifo.hpp"
#include "proto/output_buffer.hpp"

#include <parley/proto/document_fault.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace parley {
namespace {

enum class forward_message : byte {
    open = 0x10,
    opened = 0x11,
    refused = 0x12,
    data = 0x20,
    window = 0x21,
    close = 0x22,
    reset = 0x23,
    error = 0x50,
};

constexpr std::size_t forward_header_bytes = 9;
constexpr std::uint64_t max_send_window = 0x7fffffff;
constexpr std::uint32_t max_receive_window = std::uint32_t{1} << 30;
constexpr std::size_t max_merged_output = 64 * 1024;   // with this, write() takes nothing
constexpr std::size_t max_opening_output = 256 * 1024; // with this, open() takes nothing
constexpr std::size_t max_output = 512 * 1024;         // with this, receive() takes nothing
constexpr std::size_t max_short_body = 258;            // of all messages but data

struct forward_header {
    forward_message type; // any number
    forward_number connection;
    std::uint32_t length;
};

struct body_size {
    std::uint32_t least, most;
};
// Of a type that exists.
constexpr body_size size_of_body(forward_message type) noexcept
{
    switch (type) {
    case forward_message::open:
        return {3, 258};
    case forward_message::refused:
    case forward_message::error:
        return {2, 257};
    case forward_message::data:
        return {1, max_forward_data_bytes};
    case forward_message::window:
        return {4, 4};
    default:
        return {0, 0};
    }
}

} // namespace

struct forward_machine::state {
    state(forward_role r, forward_machine_options o) : role{r}, options{o}
    {
        options.max_window_bytes = std::min(options.max_window_bytes, max_receive_window);
    }

    struct connection {
        std::uint64_t may_send = initial_forward_window;
        std::uint32_t window = initial_forward_window;    // the most that the owner keeps
        std::uint32_t allowance = initial_forward_window; // what the other side may still send
        std::uint32_t unconsumed = 0;                     // with the rest of a message that is being read
        bool is_answered = false;                         // accepted or opened
        bool has_closed = false, is_closed = false;       // this side has, the other side has
        bool is_over = false;                             // and only waits until its bytes are consumed
        bool waits = false;                               // the owner waits for `writable`
    };

    const forward_role role;
    forward_machine_options options;
    output_buffer output;
    fifo<event> events;
    std::map<forward_number, connection> table;
    std::size_t open_count = 0; // of those in the table that are not over
    forward_number last_number = 0;
    std::uint64_t growth = 0; // of all windows in the table beyond their initial sizes
    std::deque<forward_number> waiting;
    bool finished = false;
    error_code error;
    std::string problem;

    std::array<byte, forward_header_bytes + max_short_body> buffer{}; // a part of a message
    std::size_t buffered = 0;
    forward_header header{};
    bool judged = false;
    std::size_t data_left = 0;

    // --- the table of transitions ----------------------------------------------------------------

    void receive(bytes_view& input)
    {
        if (finished) {
            input = {};
            return;
        }
        if (output.view().size() >= max_output || !read_header(input)) return;
        if (header.type == forward_message::data) return take_data(input);
        if (!fill(forward_header_bytes + header.length, input)) return;
        const bytes_view body{buffer.data() + forward_header_bytes, header.length};
        begin_next_message();
        take(body_reader{body});
    }

    // Why a message with this header may not come now. Null when it may.
    const char* judge()
    {
        using fm = forward_message;
        const auto [type, number, length] = header;
        switch (type) {
        case fm::open:
            if (role != forward_role::expose) return "is not for this side";
            break;
        case fm::opened:
        case fm::refused:
            if (role != forward_role::forward) return "is not for this side";
            break;
        case fm::data:
        case fm::window:
        case fm::close:
        case fm::reset:
        case fm::error:
            break;
        default:
            return "does not exist";
        }
        if (length < size_of_body(type).least) return "is shorter than its form";
        if (length > size_of_body(type).most) return "is longer than its form";
        if (type == fm::error) return number == 0 ? nullptr : "has a connection";
        if (type == fm::open) {
            if (number <= last_number) return "has a number that is not new";
            return open_count >= max_forward_connections ? "is one connection too many" : nullptr;
        }
        if (number == 0 || number > last_number) return "is for a connection that was not opened";
        const connection* const c = find_open(number);
        if (c == nullptr) return nullptr;
        const bool is_answer = type == fm::opened || type == fm::refused;
        if (role == forward_role::forward && is_answer == c->is_answered) return "is out of turn";
        if ((type == fm::data || type == fm::close) && c->is_closed) return "comes after `close`";
        return type == fm::data && length > c->allowance ? "is beyond the window" : nullptr;
    }

    void take(body_reader body)
    {
        switch (header.type) {
        case forward_message::open: {
            forward_target target{std::string{body.text<byte>()}, body.number<std::uint16_t>()};
            return is_right(body, target.is_valid()) ? take_open(std::move(target)) : void();
        }
        case forward_message::refused: {
            const auto cause = static_cast<forward_cause>(body.number<byte>());
            std::string text{body.text<byte>()};
            return is_right(body) ? take_refused(cause, std::move(text)) : void();
        }
        case forward_message::window: {
            const auto n = body.number<std::uint32_t>();
            return is_right(body, n != 0) ? take_window(n) : void();
        }
        case forward_message::error: {
            const session_reason reason = to_session_reason(body.number<byte>());
            std::string text{body.text<byte>()};
            return is_right(body) ? take_error(reason, std::move(text)) : void();
        }
        default:
            break;
        }
        connection* const c = find_open(header.connection);
        if (c == nullptr) return;
        if (header.type == forward_message::opened) {
            c->is_answered = true;
            events.push(forward_event::opened{header.connection});
        } else if (header.type == forward_message::close) {
            c->is_closed = true;
            events.push(forward_event::closed{header.connection});
            end_if_closed(header.connection, *c);
        } else {
            events.push(forward_event::reset{header.connection});
            forget(header.connection);
        }
    }

    // --- messages ----------------------------------------------------------------------------------

    // Whether the buffer holds `size` bytes, after it has taken what it lacks from the front of `input`.
    bool fill(std::size_t size, bytes_view& input) noexcept
    {
        const std::size_t n = std::min(size - std::min(size, buffered), input.size());
        std::copy_n(input.begin(), n, buffer.begin() + static_cast<std::ptrdiff_t>(buffered));
        buffered += n;
        input = input.subspan(n);
        return buffered >= size;
    }

    bool read_header(bytes_view& input)
    {
        if (!fill(forward_header_bytes, input)) return false;
        if (judged) return true;
        header = {static_cast<forward_message>(buffer[0]), load_be<std::uint32_t>(buffer.data() + 1),
                  load_be<std::uint32_t>(buffer.data() + 5)};
        if (const char* const fault = judge()) {
            break_rule(fault);
            return false;
        }
        judged = true;
        if (header.type == forward_message::data) begin_data();
        return true;
    }

    void begin_next_message() noexcept
    {
        buffered = 0;
        judged = false;
    }

    void begin_data()
    {
        data_left = header.length;
        connection* const c = find_open(header.connection);
        if (c == nullptr) return;
        c->allowance -= header.length;
        c->unconsumed += header.length;
    }

    void take_data(bytes_view& input)
    {
        const bytes_view bytes = input.first(std::min(data_left, input.size()));
        if (bytes.empty()) return;
        input = input.subspan(bytes.size());
        data_left -= bytes.size();
        if (data_left == 0) begin_next_message();
        if (find_open(header.connection) != nullptr)
            events.push(forward_event::data{header.connection, bytes});
    }

    // Whether the body has its form and its values are right; otherwise a rule is broken.
    bool is_right(const body_reader& body, bool has_right_values = true)
    {
        const char* fault = body.problem_at_end();
        if (fault == nullptr && !has_right_values) fault = "has a value that is not allowed";
        if (fault != nullptr) break_rule(fault);
        return fault == nullptr;
    }

    void take_open(forward_target target)
    {
        last_number = header.connection;
        table.try_emplace(last_number);
        ++open_count;
        events.push(forward_event::opening{last_number, std::move(target)});
    }

    void take_refused(forward_cause cause, std::string text)
    {
        if (find_open(header.connection) == nullptr) return;
        events.push(forward_event::refused{header.connection, cause, std::move(text)});
        forget(header.connection);
    }

    void take_window(std::uint32_t n)
    {
        connection* const c = find_open(header.connection);
        if (c == nullptr || c->has_closed) return;
        if (c->may_send + n > max_send_window) return break_rule("exceeds the largest window");
        c->may_send += n;
        wake();
    }

    void take_error(session_reason reason, std::string text)
    {
        output.clear();
        problem = std::move(text);
        finish(to_errc(reason));
    }

    void put(forward_message type, forward_number number, bytes_view body = {})
    {
        put_header(type, number, body.size());
        output.append(body);
    }
    void put_header(forward_message type, forward_number number, std::size_t length)
    {
        std::array<byte, forward_header_bytes> bytes{static_cast<byte>(type)};
        store_be(bytes.data() + 1, number);
        store_be(bytes.data() + 5, static_cast<std::uint32_t>(length));
        output.append(bytes);
    }
    void put_reason(forward_message type, forward_number number, byte reason, std::string_view text)
    {
        byte_vector body{reason};
        const std::string escaped_text = is_valid_utf8(text) ? std::string{text} : escaped(text);
        append_text<byte>(body, cut_text(escaped_text, max_reason_text_bytes));
        put(type, number, body);
    }

    // --- connections -------------------------------------------------------------------------------

    connection* find(forward_number number) noexcept
    {
        const auto found = table.find(number);
        return found == table.end() ? nullptr : &found->second;
    }
    connection* find_open(forward_number number) noexcept
    {
        connection* const c = find(number);
        return c == nullptr || c->is_over ? nullptr : c;
    }
    // One that the owner may write to.
    connection* find_writable(forward_number number) noexcept
    {
        connection* const c = finished ? nullptr : find_open(number);
        const bool waits_for_answer = c != nullptr && role == forward_role::expose && !c->is_answered;
        return c == nullptr || c->has_closed || waits_for_answer ? nullptr : c;
    }

    void forget(forward_number number)
    {
        const auto found = table.find(number);
        growth -= found->second.window - initial_forward_window;
        if (!found->second.is_over) --open_count;
        table.erase(found);
    }

    void end_if_closed(forward_number number, connection& c)
    {
        if (!c.has_closed || !c.is_closed) return;
        if (c.unconsumed == 0) return forget(number);
        c.is_over = true;
        --open_count;
    }

    // Lets the other side send more, once half of the window is free.
    void grant(forward_number number, connection& c)
    {
        std::uint32_t added = c.window - c.allowance - c.unconsumed;
        if (added < c.window / 2) return;
        const bool keeps_up = c.unconsumed == 0;
        if (keeps_up && c.window <= options.max_window_bytes / 2 &&
            growth + c.window <= options.growth_budget_bytes) {
            growth += c.window;
            added += c.window;
            c.window *= 2;
        }
        c.allowance += added;
        std::array<byte, sizeof added> body{};
        store_be(body.data(), added);
        put(forward_message::window, number, body);
    }

    std::size_t space(const connection& c) const noexcept
    {
        if (output.view().size() >= max_merged_output) return 0;
        return static_cast<std::size_t>(std::min<std::uint64_t>(c.may_send, max_forward_data_bytes));
    }

    // Tells the owner of those connections that may write again, in the order in which they began to wait.
    void wake()
    {
        std::erase_if(waiting, [this](forward_number number) {
            connection* const c = find_writable(number);
            if (c != nullptr && space(*c) == 0) return false;
            if (c != nullptr) {
                c->waits = false;
                events.push(forward_event::writable{number});
            }
            return true;
        });
    }

    // --- what the owner does -----------------------------------------------------------------------

    std::optional<forward_number> open(const forward_target& target)
    {
        const bool is_full =
            open_count >= max_forward_connections || output.view().size() >= max_opening_output;
        const auto next = static_cast<forward_number>(last_number + 1);
        if (finished || role != forward_role::forward || is_full || next == 0 || !target.is_valid())
            return std::nullopt;
        last_number = next;
        table.try_emplace(next);
        ++open_count;
        byte_vector body;
        append_text<byte>(body, target.host);
        append_number(body, target.port);
        put(forward_message::open, next, body);
        return next;
    }

    // A connection of the exposing side that waits for its answer.
    connection* find_unanswered(forward_number number) noexcept
    {
        connection* const c = finished || role != forward_role::expose ? nullptr : find_open(number);
        return c == nullptr || c->is_answered ? nullptr : c;
    }

    void accept(forward_number number)
    {
        connection* const c = find_unanswered(number);
        if (c == nullptr) return;
        c->is_answered = true;
        put(forward_message::opened, number);
    }

    void refuse(forward_number number, forward_cause cause, std::string_view text)
    {
        if (find_unanswered(number) == nullptr) return;
        put_reason(forward_message::refused, number, static_cast<byte>(cause), text);
        forget(number);
    }

    std::size_t write_space(forward_number number)
    {
        connection* const c = find_writable(number);
        if (c == nullptr) return 0;
        const std::size_t n = space(*c);
        if (n == 0 && !std::exchange(c->waits, true)) waiting.push_back(number);
        return n;
    }

    std::size_t write(forward_number number, bytes_view bytes)
    {
        connection* const c = find_writable(number);
        if (c == nullptr) return 0;
        bytes = bytes.first(std::min(bytes.size(), space(*c)));
        if (bytes.empty()) return 0;
        put(forward_message::data, number, bytes);
        c->may_send -= bytes.size();
        return bytes.size();
    }

    void close(forward_number number)
    {
        connection* const c = find_writable(number);
        if (c == nullptr) return;
        put(forward_message::close, number);
        c->has_closed = true;
        end_if_closed(number, *c);
    }

    void reset(forward_number number)
    {
        connection* const c = finished ? nullptr : find(number);
        if (c == nullptr) return;
        if (find_unanswered(number) != nullptr) return refuse(number, forward_cause::unreachable, {});
        if (!c->is_over) put(forward_message::reset, number);
        forget(number);
    }

    void consume(forward_number number, std::size_t n)
    {
        connection* const c = finished ? nullptr : find(number);
        if (c == nullptr) return;
        c->unconsumed -= static_cast<std::uint32_t>(std::min<std::size_t>(n, c->unconsumed));
        if (c->is_over) return c->unconsumed == 0 ? forget(number) : void();
        const bool waits_for_answer = role == forward_role::expose && !c->is_answered;
        if (!c->is_closed && !waits_for_answer) grant(number, *c);
    }

    void consume_output(std::size_t n)
    {
        output.consume(n);
        if (!finished) wake();
    }

    // --- ways to end -------------------------------------------------------------------------------

    void break_rule(const char* fault)
    {
        const std::array type{static_cast<byte>(header.type)};
        break_rule("message " + to_hex(type) + " " + fault);
    }
    void break_rule(std::string text)
    {
        put_reason(forward_message::error, 0, static_cast<byte>(session_reason::broken_rule), text);
        problem = std::move(text);
        finish(errc::bad_record);
    }

    void receive_end()
    {
        if (finished) return;
        if (buffered != 0) return break_rule(std::string{"the stream ends inside a message"});
        output.clear();
        finish({});
    }

    void finish(error_code why)
    {
        finished = true;
        error = why;
        table.clear();
        waiting.clear();
        open_count = 0;
    }
};

forward_machine::forward_machine(forward_role role, forward_machine_options options)
    : state_{std::make_unique<state>(role, options)}
{
}
forward_machine::forward_machine(forward_machine&&) noexcept = default;
forward_machine& forward_machine::operator=(forward_machine&&) noexcept = default;
forward_machine::~forward_machine() = default;

void forward_machine::receive(bytes_view& input)
{
    state_->receive(input);
}
void forward_machine::receive_end()
{
    state_->receive_end();
}
void forward_machine::stop(error_code why)
{
    if (state_->finished) return;
    state_->output.clear();
    state_->finish(why);
}
void forward_machine::end()
{
    if (!state_->finished) state_->finish({});
}
std::optional<forward_number> forward_machine::open(const forward_target& target)
{
    return state_->open(target);
}
void forward_machine::accept(forward_number connection)
{
    state_->accept(connection);
}
void forward_machine::refuse(forward_number connection, forward_cause cause, std::string_view text)
{
    state_->refuse(connection, cause, text);
}
std::size_t forward_machine::write_space(forward_number connection)
{
    return state_->write_space(connection);
}
std::size_t forward_machine::write(forward_number connection, bytes_view bytes)
{
    return state_->write(connection, bytes);
}
void forward_machine::close(forward_number connection)
{
    state_->close(connection);
}
void forward_machine::reset(forward_number connection)
{
    state_->reset(connection);
}
void forward_machine::consume(forward_number connection, std::size_t n)
{
    state_->consume(connection, n);
}
std::size_t forward_machine::connections() const noexcept
{
    return state_->open_count;
}
bytes_view forward_machine::output() const
{
    return state_->output.view();
}
void forward_machine::consume_output(std::size_t n)
{
    state_->consume_output(n);
}
std::optional<forward_machine::event> forward_machine::next_event()
{
    return state_->events.pop();
}
bool forward_machine::finished() const noexcept
{
    return state_->finished;
}
error_code forward_machine::error() const noexcept
{
    return state_->error;
}
const std::string& forward_machine::problem() const noexcept
{
    return state_->problem;
}

} // namespace parley
