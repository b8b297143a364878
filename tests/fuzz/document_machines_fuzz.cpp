// The two machines of a document's transfer. An input is a script: commands of eight bytes, of which the first
// chooses the machine, the kind of document and how its offer is wrong (see run_receiver and run_sender). Among them
// are right messages, so that a script gets as far as a stored document, messages that lie, and raw bytes. Mutations
// work on whole commands. Whatever the script: no crash, and what each machine promises its owner and its peer.
#include "command_mutator.hpp"
#include "require.hpp"

#include <parley/base/safe_name.hpp>

#include <unit/proto/document_owners.hpp>

namespace {

using namespace parley;
using namespace parley::test;
using fuzz::require;

constexpr std::size_t command_bytes = 8;
using command = std::array<byte, command_bytes>;
using script = std::vector<command>;

// --- entries, good and bad -------------------------------------------------------------------------

struct some_entry {
    std::string path, target;
    document_entry entry;
};

std::string some_component(byte choice)
{
    static const std::array<std::string, 16> all{
        "a",    "b", "c", "a!", "b-", "ab", "é", "z", "d", "e", "", "..", ".", "x\n", std::string(255, 'n'),
        "a\xff"};
    return all[choice % (choice < 200 ? 10u : 16u)]; // most are good
}

std::string some_path(byte depth, bytes_view choices)
{
    std::string out;
    for (std::size_t i = 0; i <= depth % 3u; ++i) out += (i == 0 ? "" : "/") + some_component(choices[i]);
    return out;
}

// kind, depth and components of the path, depth and component of the target, size
some_entry entry_of(const command& c, document_kind kind)
{
    some_entry out;
    const bool one_file = kind != document_kind::directory && kind != document_kind::items;
    if (!one_file || c[1] > 250) out.path = some_path(c[2], bytes_view{c}.subspan(3, 3));
    out.entry.kind = static_cast<entry_kind>(one_file && c[1] < 250 ? 1 : c[1] < 250 ? 1 + c[1] % 3 : c[1]);
    if (out.entry.kind == entry_kind::link) {
        for (int up = c[6] % 4; up > 0; --up) out.target += "../";
        out.target += some_component(c[7]);
    }
    out.entry.mode = out.entry.kind == entry_kind::link ? 0 : static_cast<std::uint16_t>(c[6] * 2);
    if (out.entry.kind == entry_kind::file) out.entry.size = c[7] < 250 ? c[7] % 50u : unknown_size - c[7];
    if (kind == document_kind::stream && c[7] < 250) out.entry.size = unknown_size;
    if (c[7] == 255) out.entry.modified = c[6];
    return out;
}

std::string in_order(std::string path)
{
    std::replace(path.begin(), path.end(), '/', '\0');
    return path;
}

// A slow check of what a receiver asks its user about.
void check_document(const document_outline& outline)
{
    const entry_list& entries = outline.entries();
    std::string last;
    std::map<std::string, entry_kind> kinds;
    std::uint64_t bytes = 0, directories = 0;
    for (std::uint32_t n = 0; n < entries.size(); ++n) {
        const entry_list::entry e = entries.at(n);
        const std::string path = entries.path(n);
        const bool one_file = path.empty();
        require(!one_file || entries.size() == 1, "an entry without a path is the only one");
        require(n == 0 || in_order(last) < in_order(path), "entries ascend");
        require(one_file || entry_name_problem(e.name).empty(), "names are safe");
        const std::size_t slash = path.rfind('/');
        const bool top = slash == std::string::npos;
        require((e.parent == top_entry) == top, "the top has no parent");
        require(top || kinds.at(path.substr(0, slash)) == entry_kind::directory, "a parent is a directory");
        require(e.mode <= 0777, "modes are permissions");
        if (e.kind == entry_kind::link) {
            std::ptrdiff_t depth = std::count(path.begin(), path.end(), '/');
            for (std::string_view left = e.target; !left.empty();) {
                const std::string_view one = left.substr(0, left.find('/'));
                depth += one == ".." ? -1 : 1;
                require(depth >= 0, "no link leads out");
                require(one == ".." || entry_name_problem(one).empty(), "a target's names are safe");
                left.remove_prefix(std::min(left.size(), one.size() + 1));
            }
        }
        kinds[path] = e.kind;
        last = path;
        bytes += e.size;
        directories += e.kind == entry_kind::directory ? 1 : 0;
    }
    require(bytes == outline.offer().bytes, "the sum of sizes");
    require(directories == outline.offer().directories, "the count of directories");
    require(entries.size() - directories == outline.offer().files, "the count of files");
}

// What a machine has written: whole messages of its role, and nothing after the last word.
std::vector<whole_message> check_output(bytes_view output, std::string_view types,
                                        std::string_view last_words)
{
    const auto messages = messages_in(output);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto type = static_cast<char>(messages[i].type);
        require(types.find(type) != std::string_view::npos, "a message of its role");
        require(last_words.find(type) == std::string_view::npos || i + 1 == messages.size(),
                "a last word is last");
    }
    return messages;
}

// --- the receiver --------------------------------------------------------------------------------

// The offer of all entries among the commands. Bits of `wrong`: 1 entries as they come, not in order; 2 a wrong digest;
// 4 a wrong count; 8 no offer; 16 wrong counts in the offer; 32 a file name that is not taken.
byte_vector some_offer(const script& all, document_kind kind, byte wrong)
{
    std::vector<some_entry> entries;
    for (std::size_t i = 1; i < all.size(); ++i)
        if (all[i][0] % 16 < 2) entries.push_back(entry_of(all[i], kind));
    if ((wrong & 1) == 0) {
        std::sort(entries.begin(), entries.end(), [](const some_entry& a, const some_entry& b) {
            return in_order(a.path) < in_order(b.path);
        });
        const auto same = [](const some_entry& a, const some_entry& b) { return a.path == b.path; };
        entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
    }
    document_offer offer;
    offer.kind = kind;
    offer.name = (wrong & 32) != 0 ? "a\xe2\x80\xae"
                                     "b"
                                   : "name";
    byte_vector bodies, body, out;
    std::vector<byte_vector> messages;
    for (some_entry& e : entries) {
        e.entry.path = e.path;
        e.entry.target = e.target;
        ++(e.entry.kind == entry_kind::directory ? offer.directories : offer.files);
        offer.bytes += e.entry.size;
        append_entry(body, e.entry);
        if (messages.size() % 3 == 0 || body.size() > 100) {
            append_bytes(bodies, body);
            messages.push_back(message_of(document_message::entries, std::exchange(body, {})));
        }
    }
    if (!body.empty()) messages.push_back(message_of(document_message::entries, body));
    append_bytes(bodies, body);
    if ((wrong & 16) != 0) ++offer.bytes;
    auto digest = hash_blake2b_256(bodies);
    if ((wrong & 2) != 0) ++digest[0];
    body.clear();
    append_offer(body, offer);
    if ((wrong & 8) == 0) out = message_of(document_message::offer, body);
    append_bytes(out, joined(messages));
    body.clear();
    append_number(body, static_cast<std::uint32_t>(entries.size() + ((wrong & 4) != 0 ? 1u : 0u)));
    append_bytes(body, digest);
    append_bytes(out, message_of(document_message::offer_end, body));
    return out;
}

byte_vector file_of(std::uint32_t entry, std::uint64_t offset, byte encoding)
{
    return message_with(document_message::file, entry, offset, encoding);
}

// Sends the files of a document as it should.
struct right_sender {
    std::uint32_t next = 0;
    std::uint64_t sent = 0;

    byte_vector next_file(const receiver_in_memory& r, byte choice)
    {
        byte_vector out;
        if (!r.document) return out;
        const entry_list& entries = r.document->entries();
        while (next < entries.size() && entries.at(next).kind != entry_kind::file) ++next;
        if (next >= entries.size()) return message_with(document_message::sent, sent);
        const std::uint64_t size = std::min<std::uint64_t>(entries.at(next).size, 1000);
        const byte_vector content(size, choice);
        const bool compress = choice % 2 == 0;
        append_bytes(out, file_of(next++, 0, compress ? 1 : 0));
        if (compress)
            append_bytes(out, message_of(document_message::data, zstd_frame(content)));
        else if (size > 0)
            append_bytes(out, message_of(document_message::data, content));
        append_bytes(out, message_of(document_message::file_end));
        sent += size;
        return out;
    }
};

void check_receiver(const receiver_in_memory& r)
{
    using dm = document_message;
    const document_receiver_machine& m = r.machine;
    const auto messages = check_output(r.output, "\x20\x21\x22\x40\x41\x50", "\x22\x41\x50");
    require(!m.finished() || m.is_stored() != static_cast<bool>(m.error()), "an end with one reason");
    std::uint64_t progress = 0;
    bool accepted = false;
    for (const whole_message& one : messages) {
        require(one.type != dm::refuse || !accepted, "what is accepted is not refused");
        accepted = accepted || one.type == dm::accept || one.type == dm::accept_end;
        if (one.type != dm::progress) continue;
        const auto value = load_be<std::uint64_t>(one.body.data());
        require(value >= progress && value <= r.document->offer().bytes, "progress rises up to all");
        progress = value;
    }
    require(!accepted || r.document, "nothing is accepted before the whole offer");
    if (r.document) check_document(*r.document);
    if (!m.is_stored()) return;
    require(r.completes == 1, "stored once");
    for (std::uint32_t n = 0; n < r.document->entries().size(); ++n) {
        const entry_list::entry e = r.document->entries().at(n);
        if (e.kind == entry_kind::file)
            require(e.size == unknown_size || r.files.at(n).size() == e.size, "each file has its size");
    }
}

void run_receiver(const script& all)
{
    using dm = document_message;
    const command& first = all[0];
    document_receiver_options options;
    options.max_entries = 40;
    options.max_entries_bytes = 3000;
    receiver_in_memory r{options};
    r.answers = first[3] % 4 != 0;
    for (std::uint32_t n = 0; n < first[4] % 8u; ++n)
        r.kept[n + first[5] % 4u] = byte_vector(1 + n, first[6]);
    const std::size_t most = first[7] < 200 ? 1u << 20 : 1u + first[7] % 10u;
    r.feed(some_offer(all, static_cast<document_kind>(first[1] < 250 ? first[1] % 5 : first[1]), first[2]),
           most);
    right_sender right;
    time_point now{};
    for (std::size_t i = 1; i < all.size(); ++i) {
        const command& c = all[i];
        switch (c[0] % 16) {
        case 2:
            r.feed(file_of(c[1] % 16u, c[2] < 128 ? 0u : c[2] % 8u,
                           static_cast<byte>(c[3] < 250 ? c[3] % 2 : c[3])),
                   most);
            break;
        case 3:
            r.feed(message_of(dm::data, byte_vector(1 + c[1] % 60u, c[2])), most);
            break;
        case 4:
            r.feed(message_of(dm::data, zstd_frame(byte_vector(c[1] % 60u, c[2]))), most);
            break;
        case 5:
            r.feed(message_of(dm::file_end), most);
            break;
        case 6:
            r.feed(right.next_file(r, c[1]), most);
            break;
        case 7:
            r.feed(message_with(dm::sent, std::uint64_t{c[1]}), most);
            break;
        case 8:
            r.feed(message_with_text(dm::error, c[1], as_text(bytes_view{c}.last(4))), most);
            break;
        case 9:
            r.feed(bytes_view{c}.subspan(1), most);
            break;
        case 10:
            r.machine.expire(now += std::chrono::milliseconds{c[1] * 300});
            r.drain();
            require(r.machine.next_deadline() > now, "what is due is done");
            break;
        case 11:
            if (r.machine.accept(c[1] % 16u, c[2], {})) r.kept[c[1] % 16u] = byte_vector(c[2], 'k');
            break;
        case 12:
            r.machine.accept_end();
            r.drain();
            break;
        case 13:
            if (c[1] < 100)
                r.machine.fail({to_session_reason(c[2]), "x"}, errc::no_room);
            else if (c[1] < 200)
                r.machine.stop(errc::cancelled);
            else
                r.machine.stop(errc::unexpected_end);
            r.drain();
            break;
        case 14:
            r.machine.receive_end();
            r.drain();
            break;
        case 15: // any message
            r.feed(message_of(static_cast<dm>(c[1]), byte_vector(c[2] % 20u, c[3])), most);
            break;
        default: // an entry
            break;
        }
    }
    check_receiver(r);
}

// --- the sender ----------------------------------------------------------------------------------

const std::shared_ptr<const document_outline>& some_outline(byte choice)
{
    static const std::array all{
        outline_of(document_kind::directory,
                   {an_entry(entry_kind::directory, "a"), an_entry(entry_kind::file, "a/b", 10),
                    an_entry(entry_kind::link, "a/l", 0, "../c"), an_entry(entry_kind::file, "c", 0),
                    an_entry(entry_kind::file, "d", 3), an_entry(entry_kind::file, "e", 300)}),
        outline_of(document_kind::file, {an_entry(entry_kind::file, "", 20)}),
        outline_of(document_kind::stream, {an_entry(entry_kind::file, "", unknown_size)}),
        outline_of(document_kind::directory, {}),
    };
    return all[choice % all.size()];
}

// The sender's messages must be right for a receiver that has what the accepts say.
void check_sender(const sender_in_memory& s, const file_contents& accepted)
{
    using dm = document_message;
    const document_sender_machine& m = s.machine;
    const auto messages = check_output(s.output, "\x10\x11\x12\x30\x31\x32\x33\x50", "\x50");
    require(!m.finished() || s.stored != static_cast<bool>(m.error()), "an end with one reason");
    receiver_in_memory r;
    r.kept = accepted;
    for (const whole_message& one : messages)
        if (one.type != dm::error) r.feed(message_of(one.type, one.body));
    require(!r.machine.error(), "an honest receiver has nothing to object to");
    const bool is_complete = std::any_of(messages.begin(), messages.end(),
                                         [](const whole_message& one) { return one.type == dm::sent; });
    require(r.machine.is_stored() == is_complete, "everything was sent");
    if (is_complete) require(r.files == s.contents, "the content is right");
}

void run_sender(const script& all)
{
    using dm = document_message;
    const command& first = all[0];
    const auto& outline = some_outline(first[1]);
    file_contents contents;
    for (std::uint32_t n = 0; n < outline->entries().size(); ++n) {
        const entry_list::entry e = outline->entries().at(n);
        if (e.kind != entry_kind::file) continue;
        contents[n] = byte_vector(e.size == unknown_size ? first[2] : e.size, static_cast<byte>('a' + n));
    }
    document_sender_options options;
    options.was_sent = first[3] % 4 == 0;
    sender_in_memory s{outline, contents, options};
    if (first[4] % 2 == 0)
        s.encode = [&](std::uint32_t entry, std::uint64_t offset) {
            return std::vector<byte_vector>{zstd_frame(bytes_view{contents.at(entry)}.subspan(offset))};
        };
    if (first[5] > 200) s.failing[first[5] % 8u] = {session_reason::file_failed, "x"};
    const std::size_t most = first[7] < 200 ? 1u << 20 : 1u + first[7] % 10u;
    s.drain();
    file_contents accepted; // by messages that are right
    time_point now{};
    for (std::size_t i = 1; i < all.size(); ++i) {
        const command& c = all[i];
        switch (c[0] % 8) {
        case 0: { // a part, mostly a right one
            const std::uint32_t entry = c[1] % 8u;
            const std::uint64_t offset = c[2] < 250 ? 1u + c[2] % 20u : c[2] - 250u;
            byte_vector body, prefix;
            if (const auto found = contents.find(entry); found != contents.end())
                prefix = first_bytes(found->second, std::min<std::uint64_t>(offset, found->second.size()));
            prefix.resize(offset, 'x');
            if (c[3] % 4 == 0 && offset > 0) prefix[0] = '!';
            append_number(body, entry);
            append_number(body, offset);
            append_bytes(body, hash_blake2b_256(prefix));
            const bool was_accepting = !s.accepted && !s.machine.finished();
            s.feed(message_of(dm::accept, body), most);
            if (was_accepting && !s.machine.finished()) accepted[entry] = prefix;
            break;
        }
        case 1:
            s.feed(message_of(dm::accept_end), most);
            break;
        case 2:
            s.feed(message_with(dm::progress, std::uint64_t{c[1]}), most);
            break;
        case 3:
            s.feed(message_of(dm::stored), most);
            break;
        case 4:
            s.feed(message_with_text(c[1] % 2 == 0 ? dm::error : dm::refuse, c[2],
                                     as_text(bytes_view{c}.last(4))),
                   most);
            break;
        case 5:
            s.machine.expire(now += std::chrono::minutes{c[1]});
            require(s.machine.next_deadline() > now, "what is due is done");
            break;
        case 6:
            if (c[1] < 50)
                s.machine.receive_end();
            else if (c[1] < 100)
                s.machine.stop(errc::cancelled);
            else if (c[1] < 150)
                s.machine.fail({to_session_reason(c[2]), "x"}, errc::no_room);
            else
                s.feed(bytes_view{c}.subspan(2), most);
            s.drain();
            break;
        default:
            s.feed(message_of(static_cast<dm>(c[1]), byte_vector(c[2] % 50u, c[3])), most);
            break;
        }
    }
    check_sender(s, accepted);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    script all = fuzz::commands_of<command_bytes>({data, size});
    if (all.empty()) return 0;
    all[0][0] % 2 == 0 ? run_receiver(all) : run_sender(all);
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed)
{
    return fuzz::mutate_commands<command_bytes>(data, size, max_size, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t max_size, unsigned int seed)
{
    return fuzz::cross_commands<command_bytes>({one, one_size}, {other, other_size}, out, max_size, seed);
}
