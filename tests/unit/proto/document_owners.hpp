// Owners of the two machines of a document's transfer that keep everything in memory.
#pragma once

#include "proto/document/offer_codec.hpp"

#include <parley/payload/zstd_decoder.hpp>
#include <parley/payload/zstd_encoder.hpp>
#include <parley/proto/document_receiver_machine.hpp>
#include <parley/proto/document_sender_machine.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

namespace parley::test {

// The contents of files, by the number of their entry.
using file_contents = std::map<std::uint32_t, byte_vector>;

inline byte_vector first_bytes(const byte_vector& all, std::uint64_t n)
{
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)};
}

// --- bytes ---------------------------------------------------------------------------------------

inline byte_vector message_of(document_message type, bytes_view body = {})
{
    byte_vector out{static_cast<byte>(type)};
    append_number(out, static_cast<std::uint32_t>(body.size()));
    append_bytes(out, body);
    return out;
}

// A message whose body is these numbers.
template <class... Numbers>
byte_vector message_with(document_message type, Numbers... numbers)
{
    byte_vector body;
    (append_number(body, numbers), ...);
    return message_of(type, body);
}

inline byte_vector message_with_text(document_message type, byte reason, std::string_view text)
{
    byte_vector body{reason};
    append_text<byte>(body, text);
    return message_of(type, body);
}

inline byte_vector joined(const std::vector<byte_vector>& parts)
{
    byte_vector out;
    for (const byte_vector& part : parts) append_bytes(out, part);
    return out;
}

struct whole_message {
    document_message type;
    byte_vector body;
    friend bool operator==(const whole_message&, const whole_message&) = default;
};

// Bytes that are nothing but whole messages.
inline std::vector<whole_message> messages_in(bytes_view bytes)
{
    std::vector<whole_message> out;
    document_message_reader reader;
    while (!bytes.empty()) {
        const document_header* const header = reader.header(bytes);
        if (header == nullptr) throw std::runtime_error("a header is cut");
        if (header->is_too_long()) throw std::runtime_error("a message is too long");
        const document_message type = header->type;
        const auto body = reader.body(bytes);
        if (!body) throw std::runtime_error("a body is cut");
        out.push_back({type, {body->begin(), body->end()}});
    }
    return out;
}

// For people: "offer 46, entries 23, …".
inline std::string names_of(const std::vector<whole_message>& messages)
{
    std::string out;
    for (const whole_message& m : messages) {
        const std::array type{static_cast<byte>(m.type)};
        out += (out.empty() ? "" : " ") + to_hex(type);
        if (m.type == document_message::error || m.type == document_message::refuse)
            out += ":" + to_hex(bytes_view{m.body}.first(1));
    }
    return out;
}

// --- a document ----------------------------------------------------------------------------------

inline document_entry an_entry(entry_kind kind, std::string_view path, std::uint64_t size = 0,
                               std::string_view target = {})
{
    document_entry e;
    e.kind = kind;
    e.path = path;
    e.mode = kind == entry_kind::link ? 0 : 0700;
    e.size = size;
    e.target = target;
    return e;
}

inline std::shared_ptr<const document_outline>
outline_of(document_kind kind, const std::vector<document_entry>& entries, std::string name = "name")
{
    auto out = std::make_shared<document_outline>(kind, document_id{1, 2, 3}, std::move(name));
    for (const document_entry& e : entries)
        if (const auto fault = out->add(e)) throw std::runtime_error(fault->text);
    if (const auto fault = out->complete()) throw std::runtime_error(fault->text);
    return out;
}

// The messages of a whole offer.
inline byte_vector offer_of(const document_outline& outline)
{
    byte_vector offer, entries, end;
    append_offer(offer, outline.offer());
    for (std::uint32_t n = 0; n < outline.entries().size(); ++n) {
        const entry_list::entry e = outline.entries().at(n);
        append_entry(entries, {e.kind, outline.entries().path(n), e.mode, e.modified, e.size, e.target});
    }
    append_number(end, static_cast<std::uint32_t>(outline.entries().size()));
    append_bytes(end, hash_blake2b_256(entries));
    byte_vector out = message_of(document_message::offer, offer);
    if (!entries.empty()) append_bytes(out, message_of(document_message::entries, entries));
    append_bytes(out, message_of(document_message::offer_end, end));
    return out;
}

// --- owners --------------------------------------------------------------------------------------

// Says yes to everything, or refuses.
struct receiver_in_memory {
    explicit receiver_in_memory(document_receiver_options options = {}, time_point now = {})
        : machine{now, std::move(options)}
    {
        decoder.begin(0);
    }

    document_receiver_machine machine;
    file_contents kept; // from an earlier run
    bool answers = true;
    std::optional<document_fault> refusal;

    byte_vector output; // all that the machine has written
    std::shared_ptr<const document_outline> document;
    bool known = false;
    file_contents files;
    std::optional<std::uint32_t> open_file; // whose content is `current`
    byte_vector current;
    int completes = 0;

    // Gives the machine `bytes` in pieces of at most `most`.
    void feed(bytes_view bytes, std::size_t most = std::numeric_limits<std::size_t>::max())
    {
        while (!bytes.empty()) {
            const std::size_t size = std::min(most, bytes.size());
            // A copy of exact size lets the sanitizer see a read past the piece.
            const byte_vector copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            for (bytes_view piece = copy; !piece.empty();) {
                machine.receive(piece);
                drain();
            }
            bytes = bytes.subspan(size);
        }
    }
    void drain()
    {
        take_output();
        while (auto event = machine.next_event()) {
            std::visit([this](const auto& e) { on(e); }, *event);
            take_output();
        }
    }
    void answer()
    {
        if (refusal) return machine.fail(*refusal, errc::refused_by_user);
        for (const auto& [entry, bytes] : kept) machine.accept(entry, bytes.size(), hash_blake2b_256(bytes));
        machine.accept_end();
    }

private:
    void take_output()
    {
        const bytes_view due = machine.output();
        output.insert(output.end(), due.begin(), due.end());
        machine.consume_output(due.size());
    }

    void on(const document_receiver_event::offered&) {}
    void on(const document_receiver_event::question& e)
    {
        document = e.document;
        known = e.known;
        if (answers) answer();
    }
    void on(const document_receiver_event::file& e)
    {
        open_file = e.entry;
        current = e.offset == 0 ? byte_vector{} : first_bytes(kept.at(e.entry), e.offset);
        encoding_ = e.encoding;
        decoder.begin(e.due);
    }
    void on(const document_receiver_event::data& e)
    {
        if (encoding_ == content_encoding::plain) {
            if (machine.content(e.bytes.size())) append(e.bytes);
            return;
        }
        bytes_view input = e.bytes;
        while (true) {
            const auto content = decoder.decode(input);
            if (!content) return fail_encoding();
            if (content->empty() && input.empty()) return;
            if (!machine.content(content->size())) return;
            append(*content);
        }
    }
    void on(const document_receiver_event::file_end& e)
    {
        if (encoding_ == content_encoding::zstd && !decoder.is_complete()) return fail_encoding();
        files[e.entry] = std::move(current);
        open_file.reset();
    }
    void on(const document_receiver_event::complete&)
    {
        ++completes;
        for (const auto& [entry, bytes] : kept) files.try_emplace(entry, bytes);
        machine.stored();
    }
    void append(bytes_view bytes) { current.insert(current.end(), bytes.begin(), bytes.end()); }
    void fail_encoding()
    {
        const std::string_view problem = decoder.problem();
        machine.fail({session_reason::broken_rule,
                      problem.empty() ? "an unfinished Zstandard frame" : std::string{problem}},
                     errc::document_rule_broken);
    }

    content_encoding encoding_ = content_encoding::plain;
    zstd_decoder decoder;
};

// Sends files from memory.
struct sender_in_memory {
    sender_in_memory(std::shared_ptr<const document_outline> d, file_contents c,
                     document_sender_options options = {}, time_point now = {})
        : machine{now, d, options}, document{std::move(d)}, contents{std::move(c)}
    {
    }

    document_sender_machine machine;
    std::shared_ptr<const document_outline> document;
    file_contents contents;
    // What travels of one file from `offset` on: encoded pieces. Empty: the content as it is.
    std::function<std::vector<byte_vector>(std::uint32_t entry, std::uint64_t offset)> encode;
    std::map<std::uint32_t, document_fault> failing; // files that cannot be sent
    bool has_read_stream = true;                     // in an earlier session of this run

    byte_vector output;
    bool accepted = false;
    bool stored = false;
    std::vector<std::uint64_t> progress;

    void feed(bytes_view bytes, std::size_t most = std::numeric_limits<std::size_t>::max())
    {
        drain();
        while (!bytes.empty()) {
            const std::size_t size = std::min(most, bytes.size());
            const byte_vector copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            for (bytes_view piece = copy; !piece.empty();) {
                machine.receive(piece);
                drain();
            }
            bytes = bytes.subspan(size);
        }
    }
    void drain()
    {
        take_output();
        while (auto event = machine.next_event()) {
            std::visit([this](const auto& e) { on(e); }, *event);
            take_output();
        }
    }

private:
    void take_output()
    {
        while (!machine.output().empty()) {
            const bytes_view due = machine.output();
            output.insert(output.end(), due.begin(), due.end());
            machine.consume_output(due.size());
        }
    }

    void on(const document_sender_event::accepted&) { accepted = true; }
    void on(const document_sender_event::open_file& e)
    {
        const byte_vector& all = contents.at(e.entry);
        std::uint64_t offset = 0;
        if (e.offset != 0) {
            std::optional<blake2b_256_digest> own;
            const bool is_new = document->entries().at(e.entry).size == unknown_size && !has_read_stream;
            if (e.offset <= all.size() && !is_new) own = hash_blake2b_256(bytes_view{all}.first(e.offset));
            const auto start = machine.match_prefix(own);
            if (start.left_out) return;
            offset = start.offset;
        }
        machine.begin_file(encode ? content_encoding::zstd : content_encoding::plain);
        if (const auto found = failing.find(e.entry); found != failing.end())
            return machine.fail(found->second, errc::document_changed);
        const bytes_view rest = bytes_view{all}.subspan(offset);
        if (!encode) {
            machine.data(rest, rest.size());
        } else {
            std::uint64_t content = rest.size();
            for (const byte_vector& piece : encode(e.entry, offset))
                machine.data(piece, std::exchange(content, 0));
        }
        machine.end_file();
    }
    void on(const document_sender_event::progress& e) { progress.push_back(e.bytes); }
    void on(const document_sender_event::stored&) { stored = true; }
};

// One frame of `content`.
inline byte_vector zstd_frame(bytes_view content, int level = 3)
{
    zstd_encoder encoder{level};
    encoder.begin(content.size());
    byte_vector out, buffer(1000);
    while (!content.empty()) {
        const std::size_t n = encoder.encode(content, buffer).value();
        out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
    }
    for (bool complete = false; !complete;) {
        const auto end = encoder.finish(buffer).value();
        complete = end.complete;
        out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(end.made));
    }
    return out;
}

} // namespace parley::test
