#include <parley/proto/document_sender_machine.hpp>

#include "proto/deadline.hpp"
#include "proto/document/document_dialogue.hpp"
#include "proto/document/offer_codec.hpp"
#include "proto/fifo.hpp"

#include <algorithm>
#include <utility>

namespace parley {
namespace {

enum class sender_phase {
    offer,  // entries are still to be written
    answer, // the offer is written
    prefix, // open_file was given, and match_prefix() is due
    file,   // begin_file() is due
    data,   // data() and end_file() are due
    sent,
    stored,
};

} // namespace

struct document_sender_machine::state {
    state(time_point begin, std::shared_ptr<const document_outline> d, document_sender_options o)
        : options{o}, document{std::move(d)}, now{begin}
    {
        byte_vector body;
        append_offer(body, document->offer());
        dialogue.put(document_message::offer, body);
        if (document->entries().size() == 0) put_offer_end();
    }

    document_sender_options options;
    std::shared_ptr<const document_outline> document;
    document_dialogue dialogue;
    fifo<event> events;
    sender_phase phase = sender_phase::offer;
    time_point now;
    time_point deadline = no_deadline;

    std::vector<accepted_part> accepted;    // what the receiver has
    std::size_t next_accepted = 0; // the first of them whose entry has not had its turn
    bool has_accepted = false;     // an accept has come: no refuse may follow

    std::uint32_t next_entry = 0; // to be offered; later, to be sent
    std::uint64_t file_offset = 0;
    std::uint64_t file_due = 0; // bytes of the open file that are not in data yet
    std::uint64_t content = 0;
    std::uint64_t progress = 0;

    // --- the table of transitions ----------------------------------------------------------------

    bool is_in_turn(document_message type) const noexcept
    {
        const bool sending = phase > sender_phase::answer && phase < sender_phase::stored;
        switch (type) {
        case document_message::error:
            return true;
        case document_message::accept:
        case document_message::accept_end:
            return phase == sender_phase::answer;
        case document_message::refuse:
            return phase <= sender_phase::answer && !has_accepted;
        case document_message::progress:
            return sending;
        case document_message::stored:
            return phase == sender_phase::sent ||
                   (phase == sender_phase::answer && options.was_sent && !has_accepted);
        default:
            return false;
        }
    }

    void receive(bytes_view& input)
    {
        const auto message = dialogue.read(input, [this](document_message type) { return is_in_turn(type); });
        if (!message) return;
        body_reader body{message->body};
        switch (message->type) {
        case document_message::accept:
            return take_accept(body);
        case document_message::accept_end:
            if (is_whole(*message, body)) begin_sending();
            return;
        case document_message::progress: {
            const auto bytes = body.number<std::uint64_t>();
            if (is_whole(*message, body)) take_progress(bytes);
            return;
        }
        case document_message::stored:
            if (is_whole(*message, body)) take_stored();
            return;
        default:
            return dialogue.hear_end(*message);
        }
    }

    void receive_end()
    {
        if (!dialogue.finished) dialogue.end_out_of_turn();
    }

    // --- what the transitions do -----------------------------------------------------------------

    // Whether a body has the right form. If not, the machine has failed.
    bool is_whole(const document_dialogue::message& message, const body_reader& body)
    {
        const char* const problem = body.problem_at_end();
        if (problem != nullptr) dialogue.break_rule(message.type, problem);
        return problem == nullptr;
    }

    void take_accept(body_reader& body)
    {
        has_accepted = true;
        deadline = deadline_after(now, options.answer_timeout);
        const entry_list& entries = document->entries();
        while (!body.at_end()) {
            const auto entry = body.number<std::uint32_t>();
            const auto offset = body.number<std::uint64_t>();
            const auto digest = body.array<blake2b_256_bytes>();
            if (const char* const problem = body.problem())
                return dialogue.break_rule(document_message::accept, problem);
            const bool ascends = accepted.empty() || entry > accepted.back().entry;
            if (!ascends || entry >= entries.size() || entries.at(entry).kind != entry_kind::file)
                return dialogue.break_rule("entry " + std::to_string(entry) + " cannot be accepted");
            if (offset == 0 || offset > entries.at(entry).size)
                return dialogue.break_rule("offset " + std::to_string(offset) + " cannot be accepted");
            accepted.push_back({entry, offset, digest});
        }
    }

    void begin_sending()
    {
        deadline = no_deadline;
        next_entry = 0;
        events.push(document_sender_event::accepted{});
        open_next();
    }

    void take_progress(std::uint64_t bytes)
    {
        if (bytes < progress || bytes > document->offer().bytes)
            return dialogue.break_rule("progress of " + std::to_string(bytes) + " after " +
                                       std::to_string(progress));
        progress = bytes;
        events.push(document_sender_event::progress{bytes});
    }

    void take_stored()
    {
        phase = sender_phase::stored;
        events.push(document_sender_event::stored{});
        dialogue.finish({}, std::nullopt);
    }

    // --- the offer -------------------------------------------------------------------------------

    // Writes the next message of the offer once the last one is gone.
    void go_on_offering()
    {
        if (phase != sender_phase::offer || dialogue.finished || !dialogue.output.view().empty()) return;
        const entry_list& entries = document->entries();
        byte_vector body;
        for (; next_entry < entries.size(); ++next_entry) {
            const entry_list::entry e = entries.at(next_entry);
            const std::string path = entries.path(next_entry);
            const std::size_t before = body.size();
            append_entry(body, {e.kind, path, e.mode, e.modified, e.size, e.target});
            if (body.size() > max_document_body_bytes) {
                body.resize(before);
                break;
            }
        }
        dialogue.put(document_message::entries, body);
        if (next_entry == entries.size()) put_offer_end();
    }

    void put_offer_end()
    {
        byte_vector body;
        append_number(body, static_cast<std::uint32_t>(document->entries().size()));
        append_bytes(body, document->digest());
        dialogue.put(document_message::offer_end, body);
        phase = sender_phase::answer;
        deadline = deadline_after(now, options.answer_timeout);
    }

    // --- the content -----------------------------------------------------------------------------

    // Asks the owner for the next file, or ends when there is none.
    void open_next()
    {
        const entry_list& entries = document->entries();
        while (next_entry < entries.size() && entries.at(next_entry).kind != entry_kind::file) ++next_entry;
        if (next_entry == entries.size()) {
            dialogue.put_number(document_message::sent, content);
            phase = sender_phase::sent;
            return;
        }
        file_offset = 0;
        if (next_accepted < accepted.size() && accepted[next_accepted].entry == next_entry)
            file_offset = accepted[next_accepted].offset;
        phase = file_offset == 0 ? sender_phase::file : sender_phase::prefix;
        events.push(document_sender_event::open_file{next_entry, file_offset});
    }

    file_start match_prefix(const std::optional<blake2b_256_digest>& own)
    {
        if (dialogue.finished || phase != sender_phase::prefix) return {};
        if (own != accepted[next_accepted++].digest) file_offset = 0;
        if (file_offset == document->entries().at(next_entry).size) {
            const file_start whole{file_offset, true};
            ++next_entry;
            open_next();
            return whole;
        }
        phase = sender_phase::file;
        return {file_offset, false};
    }

    void begin_file(content_encoding encoding)
    {
        if (dialogue.finished || phase != sender_phase::file) return;
        const std::uint64_t size = document->entries().at(next_entry).size;
        file_due = size == unknown_size ? unknown_size : size - file_offset;
        byte_vector body;
        append_number(body, next_entry);
        append_number(body, file_offset);
        append_number(body, static_cast<byte>(encoding));
        dialogue.put(document_message::file, body);
        phase = sender_phase::data;
    }

    void data(bytes_view encoded, std::uint64_t content_bytes)
    {
        if (dialogue.finished || phase != sender_phase::data) return;
        if (content_bytes > file_due) return change();
        if (file_due != unknown_size) file_due -= content_bytes;
        content += content_bytes;
        while (!encoded.empty()) {
            const bytes_view piece = encoded.first(std::min(encoded.size(), max_document_data_bytes));
            dialogue.put(document_message::data, piece);
            encoded = encoded.subspan(piece.size());
        }
    }

    void end_file()
    {
        if (dialogue.finished || phase != sender_phase::data) return;
        if (file_due != 0 && file_due != unknown_size) return change();
        dialogue.put(document_message::file_end);
        ++next_entry;
        open_next();
    }

    // The open file has another size than its entry.
    void change()
    {
        fail(
            {session_reason::document_changed, quoted(document->entries().path(next_entry)) + " has changed"},
            errc::document_changed);
    }

    void fail(document_fault fault, error_code why)
    {
        if (!dialogue.finished) dialogue.give_up(document_message::error, std::move(fault), why);
    }
};

document_sender_machine::document_sender_machine(time_point now,
                                                 std::shared_ptr<const document_outline> document,
                                                 document_sender_options options)
    : state_{std::make_unique<state>(now, std::move(document), options)}
{
}
document_sender_machine::document_sender_machine(document_sender_machine&&) noexcept = default;
document_sender_machine& document_sender_machine::operator=(document_sender_machine&&) noexcept = default;
document_sender_machine::~document_sender_machine() = default;

void document_sender_machine::receive(bytes_view& input)
{
    state_->receive(input);
}

void document_sender_machine::receive_end()
{
    state_->receive_end();
}

void document_sender_machine::stop(error_code why)
{
    state_->dialogue.stop(why);
}

std::span<const accepted_part> document_sender_machine::accepted() const noexcept
{
    return state_->accepted;
}

document_sender_machine::file_start
document_sender_machine::match_prefix(const std::optional<blake2b_256_digest>& own)
{
    return state_->match_prefix(own);
}

void document_sender_machine::begin_file(content_encoding encoding)
{
    state_->begin_file(encoding);
}

void document_sender_machine::data(bytes_view encoded, std::uint64_t content_bytes)
{
    state_->data(encoded, content_bytes);
}

void document_sender_machine::end_file()
{
    state_->end_file();
}

void document_sender_machine::fail(document_fault fault, error_code why)
{
    state_->fail(std::move(fault), why);
}

void document_sender_machine::expire(time_point now)
{
    state_->now = std::max(state_->now, now);
    if (state_->deadline <= state_->now) state_->dialogue.stop(errc::timed_out);
}

time_point document_sender_machine::next_deadline() const noexcept
{
    return state_->dialogue.finished ? no_deadline : state_->deadline;
}

bytes_view document_sender_machine::output() const
{
    return state_->dialogue.output.view();
}

void document_sender_machine::consume_output(std::size_t n)
{
    state_->dialogue.output.consume(n);
    state_->go_on_offering();
}

void document_sender_machine::take_output(byte_vector& with)
{
    state_->dialogue.output.take(with);
    state_->go_on_offering();
}

std::optional<document_sender_machine::event> document_sender_machine::next_event()
{
    return state_->events.pop();
}

bool document_sender_machine::finished() const noexcept
{
    return state_->dialogue.finished;
}

error_code document_sender_machine::error() const noexcept
{
    return state_->dialogue.error;
}

bool document_sender_machine::is_sent() const noexcept
{
    return state_->phase >= sender_phase::sent;
}

bool document_sender_machine::aborts() const noexcept
{
    return state_->dialogue.aborts;
}

const std::optional<document_ending>& document_sender_machine::ending() const noexcept
{
    return state_->dialogue.ending;
}

std::uint64_t document_sender_machine::content_bytes() const noexcept
{
    return state_->content;
}

} // namespace parley
