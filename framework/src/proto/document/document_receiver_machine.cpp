#include <parley/proto/document_receiver_machine.hpp>

#include "proto/deadline.hpp"
#include "proto/document/document_dialogue.hpp"
#include "proto/document/offer_codec.hpp"
#include "proto/fifo.hpp"

#include <algorithm>
#include <utility>

namespace parley {
namespace {

enum class receiver_phase { offer, entries, question, content, file, placing, stored };

constexpr std::size_t accepted_part_bytes = 4 + 8 + blake2b_256_bytes;

// The numbers that an offer of this form can have. `bytes` of a stream are compared with its entry.
bool has_possible_counts(const document_offer& offer) noexcept
{
    constexpr std::uint64_t count_end = std::uint64_t{1} << 63, entries_end = std::uint64_t{1} << 32;
    if (offer.files >= entries_end || offer.directories >= entries_end) return false;
    if (offer.files + offer.directories >= entries_end) return false;
    return offer.bytes < count_end || offer.kind == document_kind::stream;
}

} // namespace

struct document_receiver_machine::state {
    state(time_point begin, document_receiver_options o)
        : options{std::move(o)}, now{begin}, deadline{deadline_after(begin, options.offer_timeout)}
    {
    }

    struct part {
        std::uint32_t entry;
        std::uint64_t offset;
    };

    document_receiver_options options;
    document_dialogue dialogue;
    fifo<event> events;
    receiver_phase phase = receiver_phase::offer;
    time_point now;
    time_point deadline;
    bool sender_ended = false;

    document_offer announced;
    std::shared_ptr<document_outline> document; // while its entries come
    std::shared_ptr<const document_outline> whole;
    // What has come of an offer that an earlier session had, too.
    blake2b_256 repeated_hash;
    std::uint64_t repeated_bytes = 0;
    std::uint64_t repeated_entries = 0;

    std::vector<part> accepted;
    std::size_t next_accepted = 0; // the first of them whose entry has not had its turn
    byte_vector accept_body;
    bool has_accepted = false;

    std::uint32_t next_entry = 0;  // the first one that has not had its turn
    std::uint64_t file_due = 0;    // bytes of the open file that must still come
    std::uint64_t content = 0;     // bytes that are here
    std::uint64_t new_content = 0; // bytes that came in this session
    std::uint64_t reported = 0;
    time_point last_report{};

    // --- the table of transitions ----------------------------------------------------------------

    bool is_in_turn(document_message type) const noexcept
    {
        switch (type) {
        case document_message::error:
            return true;
        case document_message::offer:
            return phase == receiver_phase::offer;
        case document_message::entries:
        case document_message::offer_end:
            return phase == receiver_phase::entries;
        case document_message::file:
        case document_message::sent:
            return phase == receiver_phase::content;
        case document_message::data:
        case document_message::file_end:
            return phase == receiver_phase::file;
        default:
            return false;
        }
    }

    void receive(bytes_view& input)
    {
        if (phase == receiver_phase::stored) { // nothing changes that any more
            input = {};
            return;
        }
        const auto message = dialogue.read(input, [this](document_message type) { return is_in_turn(type); });
        if (!message) return;
        body_reader body{message->body};
        switch (message->type) {
        case document_message::offer:
            return read_whole(*message, body, &state::take_offer, read_offer(body));
        case document_message::entries:
            return take_entries(body);
        case document_message::offer_end: {
            const auto count = body.number<std::uint32_t>();
            return read_whole(*message, body, &state::end_offer, count, body.array<blake2b_256_bytes>());
        }
        case document_message::file: {
            const auto entry = body.number<std::uint32_t>();
            const auto offset = body.number<std::uint64_t>();
            return read_whole(*message, body, &state::begin_file, entry, offset, body.number<byte>());
        }
        case document_message::data:
            return events.push(document_receiver_event::data{message->body});
        case document_message::file_end:
            return read_whole(*message, body, &state::end_file);
        case document_message::sent:
            return read_whole(*message, body, &state::hear_sent, body.number<std::uint64_t>());
        default:
            return dialogue.hear_end(*message);
        }
    }

    void receive_end()
    {
        if (dialogue.finished) return;
        if (phase == receiver_phase::stored) return dialogue.finish({}, std::nullopt);
        if (phase != receiver_phase::placing || dialogue.mid_message()) return dialogue.end_out_of_turn();
        sender_ended = true;
    }

    // --- what the transitions do -----------------------------------------------------------------

    // Calls `take` with the fields of a body that has the right form.
    template <class... Parameters, class... Fields>
    void read_whole(const document_dialogue::message& message, const body_reader& body,
                    void (state::*take)(Parameters...), Fields&&... fields)
    {
        if (const char* const problem = body.problem_at_end())
            return dialogue.break_rule(message.type, problem);
        (this->*take)(std::forward<Fields>(fields)...);
    }

    void take_offer(document_offer offer)
    {
        if (options.earlier) {
            if (offer != options.earlier->offer()) return differ();
        } else {
            if (auto fault = document_outline::check(offer.kind, offer.name))
                return reject(std::move(*fault));
            if (!has_possible_counts(offer)) return dialogue.break_rule("an offer of impossible counts");
            if (offer.files + offer.directories > options.max_entries)
                return exceed_limit("too many entries", errc::too_many_entries);
            if (offer.kind != document_kind::stream && offer.bytes > options.max_bytes)
                return exceed_limit("too many bytes", errc::document_too_large);
            document = std::make_shared<document_outline>(offer.kind, offer.id, offer.name);
        }
        announced = std::move(offer);
        phase = receiver_phase::entries;
        deadline = deadline_after(now, options.offer_timeout);
        events.push(document_receiver_event::offered{announced});
    }

    void take_entries(body_reader& body)
    {
        if (body.at_end()) return dialogue.break_rule(document_message::entries, "has no entries");
        while (!dialogue.finished && !body.at_end()) {
            const bytes_view before = body.rest();
            const document_entry entry = read_entry(body);
            if (const char* const problem = body.problem())
                return dialogue.break_rule(document_message::entries, problem);
            if (options.earlier)
                take_again(before.first(before.size() - body.rest().size()));
            else
                take_entry(entry);
        }
        deadline = deadline_after(now, options.offer_timeout);
    }

    void take_entry(const document_entry& entry)
    {
        if (auto fault = document->add(entry)) return reject(std::move(*fault));
        const document_offer& come = document->offer();
        if (come.files > announced.files || come.directories > announced.directories ||
            come.bytes > announced.bytes)
            return dialogue.break_rule("more entries or bytes than were announced");
        if (document->entries_bytes() > options.max_entries_bytes)
            exceed_limit("too many bytes of entries", errc::too_many_entries);
    }

    void take_again(bytes_view entry)
    {
        ++repeated_entries;
        repeated_bytes += entry.size();
        if (repeated_bytes > options.earlier->entries_bytes()) return differ();
        repeated_hash.update(entry);
    }

    void end_offer(std::uint32_t count, const blake2b_256_digest& digest)
    {
        const bool again = options.earlier != nullptr;
        const std::uint64_t come = again ? repeated_entries : document->entries().size();
        if (count != come || digest != (again ? repeated_hash.digest() : document->digest()))
            return dialogue.break_rule(document_message::offer_end, "does not fit the entries");
        if (again) {
            if (digest != options.earlier->digest()) return differ();
            whole = options.earlier;
        } else {
            const document_offer& made = document->offer();
            if (made != announced) return dialogue.break_rule("fewer entries or bytes than were announced");
            if (auto fault = document->complete()) return reject(std::move(*fault));
            whole = std::move(document);
        }
        deadline = no_deadline;
        if (options.is_stored) return put_stored();
        phase = receiver_phase::question;
        events.push(document_receiver_event::question{whole, again});
    }

    void begin_file(std::uint32_t entry, std::uint64_t offset, byte encoding)
    {
        if (!pass_complete_files(entry)) return;
        const entry_list& entries = whole->entries();
        if (entry < next_entry || entry >= entries.size() || entries.at(entry).kind != entry_kind::file)
            return dialogue.break_rule("entry " + std::to_string(entry) + " is no file that may come now");
        const std::uint64_t size = entries.at(entry).size;
        const std::uint64_t kept = take_accepted(entry);
        if (offset != 0 && (offset != kept || offset == size))
            return dialogue.break_rule("a file from offset " + std::to_string(offset));
        if (encoding > static_cast<byte>(content_encoding::zstd))
            return dialogue.break_rule("a file of encoding " + std::to_string(encoding));
        next_entry = entry;
        file_due = size == unknown_size ? unknown_size : size - offset;
        content += offset;
        phase = receiver_phase::file;
        events.push(
            document_receiver_event::file{entry, offset, static_cast<content_encoding>(encoding), file_due});
    }

    // The files before `end` that have not had their turn must be complete with what was accepted.
    bool pass_complete_files(std::uint32_t end)
    {
        const entry_list& entries = whole->entries();
        for (; next_entry < std::min<std::size_t>(end, entries.size()); ++next_entry) {
            const entry_list::entry e = entries.at(next_entry);
            if (e.kind != entry_kind::file) continue;
            const std::uint64_t kept = take_accepted(next_entry);
            if (kept == 0 || kept != e.size) {
                dialogue.break_rule(quoted(entries.path(next_entry)) + " has not come");
                return false;
            }
            content += kept;
        }
        return true;
    }

    // How much of `entry` was accepted. Entries are asked for in ascending order, each once.
    std::uint64_t take_accepted(std::uint32_t entry) noexcept
    {
        if (next_accepted == accepted.size() || accepted[next_accepted].entry != entry) return 0;
        return accepted[next_accepted++].offset;
    }

    bool take_content(std::uint64_t n)
    {
        if (dialogue.finished || phase != receiver_phase::file) return false;
        if (n > file_due) {
            dialogue.break_rule(quoted(whole->entries().path(next_entry)) + " is too long");
            return false;
        }
        if (file_due != unknown_size) file_due -= n;
        content += n;
        new_content += n;
        return true;
    }

    void end_file()
    {
        if (file_due != 0 && file_due != unknown_size)
            return dialogue.break_rule(quoted(whole->entries().path(next_entry)) + " is too short");
        phase = receiver_phase::content;
        events.push(document_receiver_event::file_end{next_entry++});
    }

    void hear_sent(std::uint64_t bytes)
    {
        if (!pass_complete_files(top_entry)) return;
        if (bytes != new_content) return dialogue.break_rule(document_message::sent, "has a wrong sum");
        phase = receiver_phase::placing;
        events.push(document_receiver_event::complete{});
    }

    // --- what the owner decides ------------------------------------------------------------------

    bool accept(std::uint32_t entry, std::uint64_t offset, const blake2b_256_digest& digest)
    {
        if (dialogue.finished || phase != receiver_phase::question || entry >= whole->entries().size())
            return false;
        if (!accepted.empty() && entry <= accepted.back().entry) return false;
        const entry_list::entry e = whole->entries().at(entry);
        if (e.kind != entry_kind::file || offset == 0 || offset > e.size) return false;
        accepted.push_back({entry, offset});
        has_accepted = true;
        append_number(accept_body, entry);
        append_number(accept_body, offset);
        append_bytes(accept_body, digest);
        if (accept_body.size() + accepted_part_bytes > max_document_body_bytes) put_accepted();
        return true;
    }

    void put_accepted()
    {
        if (!accept_body.empty()) dialogue.put(document_message::accept, accept_body);
        accept_body.clear();
    }

    void accept_end()
    {
        if (dialogue.finished || phase != receiver_phase::question) return;
        put_accepted();
        accept_body = {};
        dialogue.put(document_message::accept_end);
        phase = receiver_phase::content;
        last_report = now;
    }

    void stored()
    {
        if (dialogue.finished || phase != receiver_phase::placing) return;
        if (content != reported) report();
        put_stored();
    }

    void put_stored()
    {
        dialogue.put(document_message::stored);
        phase = receiver_phase::stored;
        deadline = deadline_after(now, options.end_timeout);
        if (sender_ended) dialogue.finish({}, std::nullopt);
    }

    void fail(document_fault fault, error_code why)
    {
        if (dialogue.finished || phase == receiver_phase::stored) return;
        const bool may_refuse =
            (phase == receiver_phase::entries || phase == receiver_phase::question) && !has_accepted;
        const bool refusal = fault.reason == session_reason::refused_by_user ||
                             fault.reason == session_reason::no_space ||
                             fault.reason == session_reason::destination_exists;
        dialogue.give_up(may_refuse && refusal ? document_message::refuse : document_message::error,
                         std::move(fault), why);
    }

    // --- ways to fail ----------------------------------------------------------------------------

    // What no receiver would take.
    void reject(document_fault fault)
    {
        if (fault.reason == session_reason::no_space)
            return exceed_limit(std::move(fault.text), errc::too_many_entries);
        const errc why =
            fault.reason == session_reason::bad_entry ? errc::entry_not_taken : errc::document_rule_broken;
        dialogue.give_up(document_message::error, std::move(fault), why);
    }

    void exceed_limit(std::string text, errc why)
    {
        dialogue.give_up(document_message::refuse, {session_reason::no_space, std::move(text)}, why);
    }

    void differ()
    {
        dialogue.give_up(document_message::error,
                         {session_reason::document_changed, "another document than before"},
                         errc::document_differs);
    }

    // --- time ------------------------------------------------------------------------------------

    void report()
    {
        dialogue.put_number(document_message::progress, content);
        reported = content;
        last_report = now;
    }

    time_point next_report() const noexcept
    {
        const bool coming = phase == receiver_phase::content || phase == receiver_phase::file;
        if (!coming || content == reported) return no_deadline;
        return deadline_after(last_report, options.progress_interval);
    }

    void expire(time_point to)
    {
        now = std::max(now, to);
        if (dialogue.finished) return;
        if (deadline <= now) {
            if (phase == receiver_phase::stored) return dialogue.finish({}, std::nullopt);
            return dialogue.stop(errc::timed_out);
        }
        if (next_report() <= now) report();
    }
};

document_receiver_machine::document_receiver_machine(time_point now, document_receiver_options options)
    : state_{std::make_unique<state>(now, std::move(options))}
{
}
document_receiver_machine::document_receiver_machine(document_receiver_machine&&) noexcept = default;
document_receiver_machine&
document_receiver_machine::operator=(document_receiver_machine&&) noexcept = default;
document_receiver_machine::~document_receiver_machine() = default;

void document_receiver_machine::receive(bytes_view& input)
{
    state_->receive(input);
}

void document_receiver_machine::receive_end()
{
    state_->receive_end();
}

void document_receiver_machine::stop(error_code why)
{
    // A lost connection may have kept the other side from knowing that the document is stored.
    if (state_->phase == receiver_phase::stored && why != condition::transport)
        return state_->dialogue.finish({}, std::nullopt);
    state_->dialogue.stop(why);
}

bool document_receiver_machine::accept(std::uint32_t entry, std::uint64_t offset,
                                       const blake2b_256_digest& digest)
{
    return state_->accept(entry, offset, digest);
}

void document_receiver_machine::accept_end()
{
    state_->accept_end();
}

bool document_receiver_machine::content(std::uint64_t n)
{
    return state_->take_content(n);
}

void document_receiver_machine::stored()
{
    state_->stored();
}

void document_receiver_machine::fail(document_fault fault, error_code why)
{
    state_->fail(std::move(fault), why);
}

void document_receiver_machine::expire(time_point now)
{
    state_->expire(now);
}

time_point document_receiver_machine::next_deadline() const noexcept
{
    return state_->dialogue.finished ? no_deadline : std::min(state_->deadline, state_->next_report());
}

bytes_view document_receiver_machine::output() const
{
    return state_->dialogue.output.view();
}

void document_receiver_machine::consume_output(std::size_t n)
{
    state_->dialogue.output.consume(n);
}

void document_receiver_machine::take_output(byte_vector& with)
{
    state_->dialogue.output.take(with);
}

std::optional<document_receiver_machine::event> document_receiver_machine::next_event()
{
    return state_->events.pop();
}

bool document_receiver_machine::finished() const noexcept
{
    return state_->dialogue.finished;
}

error_code document_receiver_machine::error() const noexcept
{
    return state_->dialogue.error;
}

bool document_receiver_machine::is_stored() const noexcept
{
    return state_->phase == receiver_phase::stored;
}

bool document_receiver_machine::aborts() const noexcept
{
    return state_->dialogue.aborts;
}

const std::optional<document_ending>& document_receiver_machine::ending() const noexcept
{
    return state_->dialogue.ending;
}

std::uint64_t document_receiver_machine::content_bytes() const noexcept
{
    return state_->content;
}

} // namespace parley
