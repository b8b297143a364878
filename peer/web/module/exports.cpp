// The peer as functions of a WebAssembly module. src/module.ts is its other half.
//
// One instance of the module makes one run. Times are milliseconds of a clock that never goes back. Sizes are doubles:
// exact up to 2^53, and -1 where unknown. Texts and bytes that come in are in the buffer of buffer(), one after the
// other; the call takes them, and they are wiped if they are secret. Pointers that go out are valid until the next call.
#include "peer/web/module/failure_id.hpp"
#include "peer/web/module/web_peer.hpp"

#include <parley/base/code.hpp>
#include <parley/crypto/random.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#define PARLEY_EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace parley::web {
namespace {

constexpr std::uint32_t abi_version = 1;
constexpr std::uint32_t max_buffer_bytes = 4 * 1024 * 1024;

using address = std::uint32_t;

address address_of(const void* what) noexcept
{
    return static_cast<address>(reinterpret_cast<std::uintptr_t>(what));
}

// The kinds of actions, as module.ts numbers them.
enum class kind : std::uint32_t {
    open = 1,
    send,
    close,
    read,
    create,
    append,
    finish,
    place,
    waiting,
    meeting,
    offer,
    receiving,
    progress,
    interrupted,
    resumed,
    delivered,
    note,
    failed,
    finished,
};

struct action_record {
    kind what{};
    std::uint32_t number = 0; // connection, reader, entry or receiver
    std::uint32_t flag = 0;   // channel, item or in_order
    std::uint32_t size = 0;   // of a read
    address bytes = 0, bytes_size = 0;
    address text = 0, text_size = 0;
    address id = 0, id_size = 0;
    address key = 0, key_size = 0; // of the text
    double first = 0, second = 0;
};
static_assert(sizeof(action_record) == 64);

struct entry_record {
    std::uint32_t kind = 0, mode = 0;
    address path = 0, path_size = 0;
    address target = 0, target_size = 0;
    double size = 0, modified = 0; // bytes; milliseconds since 1970, NaN when unknown
};
static_assert(sizeof(entry_record) == 40);

struct document_record {
    std::uint32_t kind = 0, entries = 0;
    address name = 0, name_size = 0;
    double files = 0, directories = 0, bytes = 0;
};
static_assert(sizeof(document_record) == 40);

struct code_record {
    std::uint32_t kind = 0;
    address text = 0, text_size = 0;
};

struct instance {
    web_peer peer{system_random()};
    std::vector<byte> buffer;
    std::optional<action_variant> current; // owns what its record points to
    std::string text;
    secret_bytes code;
    action_record action;
    entry_record entry;
    document_record document;
    code_record typed;
};

instance& self()
{
    static instance one;
    return one;
}

double to_double(std::uint64_t size) noexcept
{
    return size == unknown_size ? -1 : static_cast<double>(size);
}
std::uint64_t to_size(double size) noexcept
{
    return size >= 0 && size < 0x1p63 ? static_cast<std::uint64_t>(size) : 0;
}
std::int64_t to_nanoseconds(double milliseconds) noexcept
{
    if (!(std::abs(milliseconds) < 0x1p43)) return unknown_time; // also NaN
    return static_cast<std::int64_t>(milliseconds * 1e6);
}
time_point to_time(double milliseconds) noexcept
{
    // A day later: no time that a machine computes is before its clock's epoch.
    return time_point{std::chrono::hours{24}} +
           std::chrono::nanoseconds{static_cast<std::int64_t>(milliseconds * 1e6)};
}

web_peer& at(double now)
{
    self().peer.expire(to_time(now));
    return self().peer;
}

bytes_view given(std::uint32_t size, std::uint32_t from = 0) noexcept
{
    const bytes_view all{self().buffer};
    if (from > all.size()) return {};
    return all.subspan(from, std::min<std::size_t>(size, all.size() - from));
}
secret_bytes given_secret(std::uint32_t size, std::uint32_t from = 0)
{
    secret_bytes out{given(size, from)};
    wipe(self().buffer);
    return out;
}
std::string given_text(std::uint32_t size, std::uint32_t from = 0)
{
    return std::string{as_text(given(size, from))};
}

session_reason to_reason(std::uint32_t number) noexcept
{
    return to_session_reason(static_cast<byte>(std::min<std::uint32_t>(number, 255)));
}

void set_text(std::string text)
{
    self().text = std::move(text);
    self().action.text = address_of(self().text.data());
    self().action.text_size = static_cast<address>(self().text.size());
}
void set_id(std::string_view id) // static
{
    self().action.id = address_of(id.data());
    self().action.id_size = static_cast<address>(id.size());
}
void set_bytes(bytes_view bytes)
{
    self().action.bytes = address_of(bytes.data());
    self().action.bytes_size = static_cast<address>(bytes.size());
}

// --- one function for each action

void fill(action_record& out, action::open& a)
{
    out.what = kind::open;
    out.number = static_cast<std::uint32_t>(a.which);
    out.flag = static_cast<std::uint32_t>(a.to);
    set_text(std::move(a.seat));
}
void fill(action_record& out, const action::send& a)
{
    out.what = kind::send;
    out.number = static_cast<std::uint32_t>(a.to);
    set_bytes(a.bytes);
}
void fill(action_record& out, const action::close& a)
{
    out.what = kind::close;
    out.number = static_cast<std::uint32_t>(a.which);
    out.flag = a.in_order ? 1 : 0;
}
void fill(action_record& out, const action::read& a)
{
    out.what = kind::read;
    out.number = a.reader;
    out.flag = a.item;
    out.size = a.size;
    out.first = static_cast<double>(a.offset);
}
void fill(action_record& out, const action::create& a)
{
    out.what = kind::create;
    out.number = a.entry;
    out.first = static_cast<double>(a.offset);
}
void fill(action_record& out, const action::append& a)
{
    out.what = kind::append;
    set_bytes(a.bytes);
}
void fill(action_record& out, const action::finish&)
{
    out.what = kind::finish;
}
void fill(action_record& out, const action::place&)
{
    out.what = kind::place;
}
void fill(action_record& out, const action::waiting&)
{
    out.what = kind::waiting;
}
void fill(action_record& out, const action::meeting&)
{
    out.what = kind::meeting;
}
void fill(action_record& out, const action::offer&)
{
    out.what = kind::offer;
}
void fill(action_record& out, const action::receiving& a)
{
    out.what = kind::receiving;
    out.first = static_cast<double>(a.kept);
}
void fill(action_record& out, const action::progress& a)
{
    out.what = kind::progress;
    out.number = a.receiver;
    out.first = static_cast<double>(a.bytes);
    out.second = to_double(a.total);
}
void fill(action_record& out, const action::interrupted& a)
{
    out.what = kind::interrupted;
    out.first = std::chrono::duration<double>(a.pause).count();
}
void fill(action_record& out, const action::resumed&)
{
    out.what = kind::resumed;
}
void fill(action_record& out, const action::delivered& a)
{
    out.what = kind::delivered;
    out.number = a.receiver;
}
void fill(action_record& out, action::note& a)
{
    out.what = kind::note;
    set_id(a.id);
    out.key = address_of(a.key.data());
    out.key_size = static_cast<address>(a.key.size());
    set_text(std::move(a.value));
}
void fill(action_record& out, action::failed& a)
{
    out.what = kind::failed;
    set_id(failure_id(a.why));
    set_text(a.why.code.message() + (a.why.text.empty() ? "" : ": " + a.why.text));
}
void fill(action_record& out, const action::finished&)
{
    out.what = kind::finished;
}

} // namespace

// --- memory

PARLEY_EXPORT(abi) std::uint32_t export_abi()
{
    return abi_version;
}

// Where the caller writes up to `size` bytes for the next call. Null for more than 4 MiB.
PARLEY_EXPORT(buffer) address export_buffer(std::uint32_t size)
{
    if (size > max_buffer_bytes) return 0;
    auto& buffer = self().buffer;
    if (buffer.empty() || buffer.size() < size) {
        wipe(buffer);
        buffer.resize(std::max<std::size_t>(size, 1)); // an empty one has no address
    }
    return address_of(buffer.data());
}

// --- codes

// A new code: a code_record.
PARLEY_EXPORT(make_code) address export_make_code()
{
    instance& one = self();
    one.code = generate_code(system_random());
    one.typed = {0, address_of(one.code.view().data()), static_cast<address>(one.code.size())};
    return address_of(&one.typed);
}

// What a typed text means: a code_record. kind: 0 code, 1 mistyped, 2 another password, 3 empty.
PARLEY_EXPORT(read_code) address export_read_code(std::uint32_t size)
{
    instance& one = self();
    const secret_bytes text = given_secret(size);
    typed_code typed = normalise_code(text.text());
    one.code = std::move(typed.password);
    one.typed = {static_cast<std::uint32_t>(typed.kind), address_of(one.code.view().data()),
                 static_cast<address>(one.code.size())};
    return address_of(&one.typed);
}

// --- the run

PARLEY_EXPORT(add_file) void export_add_file(std::uint32_t path_size, double size, double modified)
{
    self().peer.items().add_file(given_text(path_size), to_size(size), to_nanoseconds(modified));
}

PARLEY_EXPORT(add_folder) void export_add_folder(std::uint32_t path_size, double modified)
{
    self().peer.items().add_folder(given_text(path_size), to_nanoseconds(modified));
}

PARLEY_EXPORT(add_text) void export_add_text(double size)
{
    self().peer.items().add_text(to_size(size));
}

PARLEY_EXPORT(send)
void export_send(double now, std::uint32_t name_size, std::uint32_t code_size, std::uint32_t receivers)
{
    std::string name = given_text(name_size);
    at(now).send(std::move(name), receivers, given_secret(code_size, name_size));
}

PARLEY_EXPORT(receive) void export_receive(double now, std::uint32_t code_size)
{
    at(now).receive(given_secret(code_size));
}

PARLEY_EXPORT(cancel) void export_cancel(double now)
{
    at(now).cancel();
}

PARLEY_EXPORT(accept) void export_accept(double now)
{
    at(now).accept();
}

PARLEY_EXPORT(refuse) void export_refuse(double now, std::uint32_t reason, std::uint32_t text_size)
{
    at(now).refuse(to_reason(reason), given_text(text_size));
}

// --- connections

PARLEY_EXPORT(opened) void export_opened(double now, std::uint32_t which)
{
    at(now).opened(connection{which});
}

PARLEY_EXPORT(received) void export_received(double now, std::uint32_t which, std::uint32_t size)
{
    at(now).received(connection{which}, given(size));
}

PARLEY_EXPORT(wants_input) std::uint32_t export_wants_input(std::uint32_t which)
{
    return self().peer.wants_input(connection{which}) ? 1 : 0;
}

PARLEY_EXPORT(closed) void export_closed(double now, std::uint32_t which, std::uint32_t in_order)
{
    at(now).closed(connection{which}, in_order != 0);
}

PARLEY_EXPORT(sent) void export_sent(double now, std::uint32_t which, std::uint32_t bytes)
{
    at(now).sent(connection{which}, bytes);
}

// --- files

PARLEY_EXPORT(content) void export_content(double now, std::uint32_t reader, std::uint32_t size)
{
    at(now).content(reader, given(size));
}

PARLEY_EXPORT(content_failed)
void export_content_failed(double now, std::uint32_t reader, std::uint32_t reason)
{
    at(now).content_failed(reader, to_reason(reason));
}

PARLEY_EXPORT(stored) void export_stored(double now, std::uint32_t actions)
{
    at(now).stored(actions);
}

PARLEY_EXPORT(store_failed)
void export_store_failed(double now, std::uint32_t reason, std::uint32_t text_size)
{
    at(now).store_failed(to_reason(reason), given_text(text_size));
}

// --- what comes out

PARLEY_EXPORT(expire) void export_expire(double now)
{
    at(now);
}

// Infinity: nothing will be due.
PARLEY_EXPORT(next_deadline) double export_next_deadline()
{
    const time_point next = self().peer.next_deadline();
    if (next == no_deadline) return std::numeric_limits<double>::infinity();
    return std::chrono::duration<double, std::milli>(next - time_point{std::chrono::hours{24}}).count();
}

// The next action: an action_record, or null.
PARLEY_EXPORT(next_action) address export_next_action()
{
    instance& one = self();
    if (one.current) {
        if (auto* done = std::get_if<action::send>(&*one.current))
            one.peer.recycle(std::move(done->bytes));
        else if (auto* written = std::get_if<action::append>(&*one.current))
            one.peer.recycle(std::move(written->bytes));
    }
    one.current = one.peer.next_action();
    if (!one.current) return 0;
    one.action = {};
    std::visit([&one](auto& each) { fill(one.action, each); }, *one.current);
    return address_of(&one.action);
}

// What was sent or offered: a document_record, or null.
PARLEY_EXPORT(document) address export_document()
{
    const document_outline* const outline = self().peer.document();
    if (outline == nullptr) return 0;
    const document_offer& offer = outline->offer();
    document_record& out = self().document;
    out = {};
    out.kind = static_cast<std::uint32_t>(offer.kind);
    out.entries = static_cast<std::uint32_t>(outline->entries().size());
    out.name = address_of(offer.name.data());
    out.name_size = static_cast<address>(offer.name.size());
    out.files = static_cast<double>(offer.files);
    out.directories = static_cast<double>(offer.directories);
    out.bytes = to_double(offer.bytes);
    return address_of(&out);
}

// One entry of it: an entry_record, or null.
PARLEY_EXPORT(entry) address export_entry(std::uint32_t number)
{
    const document_outline* const outline = self().peer.document();
    if (outline == nullptr || number >= outline->entries().size()) return 0;
    const entry_list::entry each = outline->entries().at(number);
    entry_record& out = self().entry;
    out = {};
    self().text = outline->entries().path(number);
    out.kind = static_cast<std::uint32_t>(each.kind);
    out.mode = each.mode;
    out.path = address_of(self().text.data());
    out.path_size = static_cast<address>(self().text.size());
    out.target = address_of(each.target.data());
    out.target_size = static_cast<address>(each.target.size());
    out.size = to_double(each.size);
    out.modified = each.modified == unknown_time ? std::numeric_limits<double>::quiet_NaN()
                                                 : static_cast<double>(each.modified) / 1e6;
    return address_of(&out);
}

} // namespace parley::web
