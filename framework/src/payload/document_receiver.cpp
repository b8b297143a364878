#include <parley/payload/document_receiver.hpp>

#include "payload/in/object_store.hpp"
#include "payload/in/pack_reader.hpp"
#include "payload/in/staging_area.hpp"
#include "payload/in/tree_builder.hpp"

#include <parley/base/safe_name.hpp>
#include <parley/crypto/random.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cerrno>

namespace parley {
namespace {

constexpr std::string_view built_name = "document"; // the name of a directory while it is staged
constexpr unsigned max_other_names = 1000;
constexpr std::size_t output_piece_bytes = 256 * 1024;
constexpr std::size_t longest_root_bytes = max_name_bytes + 1 + sha1_bytes + 20;

// The root's content (PROTOCOL.md section 8): name || NUL || id (20) || decimal.
struct root_content {
    std::string_view name;
    object_id top{};
};
std::optional<root_content> parse_root(std::string_view text)
{
    const std::size_t name_bytes = text.find('\0');
    if (name_bytes == std::string_view::npos || text.size() <= name_bytes + 1 + sha1_bytes)
        return std::nullopt;
    root_content root;
    root.name = text.substr(0, name_bytes);
    const bytes_view id = as_bytes(text.substr(name_bytes + 1, sha1_bytes));
    std::copy(id.begin(), id.end(), root.top.begin());
    const std::string_view count = text.substr(name_bytes + 1 + sha1_bytes);
    if (!std::all_of(count.begin(), count.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    return root;
}

} // namespace

struct document_receiver::state final : pack_sink {
    enum class stage { receiving, complete, committed, failed };
    enum class entry_role { object, name, root };

    explicit state(receiver_options given)
        : options(std::move(given)), store(options.limits, system_random()), builder(store, options.limits)
    {
    }

    error_code begin_pack(std::uint32_t entries) override;
    error_code begin_entry(const entry_header& header, std::uint32_t number, std::uint64_t offset) override;
    error_code content(bytes_view bytes) override;
    sha1* content_hash() override
    {
        return role == entry_role::object && !is_file ? store.take_content_hash() : nullptr;
    }
    error_code end_entry() override;
    error_code end_pack() override;

    error_code stage_objects();
    error_code end_object();
    error_code take_name(std::string_view name);
    error_code choose_name();
    bool choose_other_name();
    error_code finish_root();
    error_code build();
    error_code move_to_place();
    error_code give_to_output();
    error_code refused_by_output(error_code error);
    std::string staged_name() const
    {
        return is_file ? object_store::staged_name(1) : std::string(built_name);
    }
    error_code end_with(error_code error);
    const std::string& own_name() const noexcept { return options.name ? *options.name : offered; }
    error_code fail(errc code, std::string_view why)
    {
        problem = why;
        return code;
    }
    void describe(error_code error);
    void describe_local(error_code error);
    void drop() noexcept;

    receiver_options options;
    guarded_directory destination;
    staging_area staging; // destroyed before `destination`
    object_store store;
    tree_builder builder;
    pack_reader reader;

    stage at = stage::receiving;
    error_code failure;
    std::string problem; // of the errors found here
    std::string detail;

    bool is_file = false;
    entry_role role = entry_role::object;
    std::string small; // the content of a name or a root
    std::string offered;
    std::string name;          // at the destination
    unsigned other_number = 0; // the number in it, if it is another name
    std::optional<object_id> top;
    std::optional<std::uint64_t> expected;
    std::uint64_t taken = 0;
    received_document document;
    bool built = false; // the directory, in the staging folder
};

error_code document_receiver::state::begin_pack(std::uint32_t entries)
{
    if (entries > options.limits.max_entries)
        return fail(errc::too_many_entries, "announces " + std::to_string(entries) + " entries");
    if (entries == 0) return fail(errc::pack_bad_shape, "announces no entry");
    return {};
}

error_code document_receiver::state::stage_objects()
{
    if (staging) return {};
    auto made = staging_area::create(destination, system_random());
    if (!made) return problem = "making a folder for what arrives", made.error();
    staging = std::move(*made);
    store.stage_in(staging.directory());
    if (!is_file) store.hold_small_files();
    return {};
}

error_code document_receiver::state::begin_entry(const entry_header& header, std::uint32_t number,
                                                 std::uint64_t offset)
{
    small.clear();
    if (options.output && number == 0 && header.kind != pack_entry_kind::file_name) return errc::not_a_file;
    if (header.kind == pack_entry_kind::file_name) {
        if (number != 0) return fail(errc::pack_bad_shape, "a file's name that is not the first entry");
        if (reader.entries() != 2) return fail(errc::pack_bad_shape, "a file's name, but not two entries");
        is_file = true;
        if (header.size > max_name_bytes) return fail(errc::hostile_name, "a name of more than 255 bytes");
        role = entry_role::name;
        store.skip_entry(offset);
        return {};
    }
    if (header.kind == pack_entry_kind::root) {
        if (is_file) return fail(errc::pack_bad_shape, "a root after a file's name");
        if (top) return fail(errc::pack_bad_root, "a second root");
        if (header.size > longest_root_bytes) return fail(errc::pack_bad_root, "a root that is too long");
        role = entry_role::root;
        store.skip_entry(offset);
        return {};
    }
    if (is_file && header.kind != pack_entry_kind::file)
        return fail(errc::pack_bad_shape, "something other than a file after its name");
    if (is_file) {
        expected = header.size;
        document.files = 1;
        document.content_bytes = header.size;
    }
    role = entry_role::object;
    if (const error_code error = stage_objects()) return error;
    const error_code error = store.begin(header, offset);
    if (is_file) store.leave_without_id(); // no directory refers to it
    return error;
}

error_code document_receiver::state::content(bytes_view bytes)
{
    if (role == entry_role::object) return store.content(bytes);
    small += as_text(bytes); // bounded by the size that begin_entry() accepted
    return {};
}

error_code document_receiver::state::end_entry()
{
    switch (role) {
    case entry_role::object:
        return end_object();
    case entry_role::name:
        return take_name(small);
    case entry_role::root:
        return finish_root();
    }
    return {};
}

error_code document_receiver::state::end_object()
{
    if (const error_code error = store.end()) return error;
    const std::uint32_t number = store.index().size() - 1;
    const object_record& record = store.index().at(number);
    if (record.kind != pack_entry_kind::directory || record.state != object_state::present) return {};
    const error_code error = builder.fill_early(number);
    if (error) problem = builder.problem();
    return error;
}

error_code document_receiver::state::take_name(std::string_view given)
{
    // Nobody uses the offered name when another one was chosen.
    const std::string_view wrong = options.name ? component_problem(given) : document_name_problem(given);
    if (!wrong.empty())
        return fail(errc::hostile_name,
                    "the name \"" + escaped(given) + "\" is refused: it " + std::string(wrong));
    offered = given;
    if (options.output) return {};
    if (!options.name && !options.allow_dot_name && given.starts_with('.'))
        return fail(errc::refused_by_user,
                    "the name \"" + escaped(given) +
                        "\" begins with a dot, so it could change the settings of other programs");
    const error_code error = choose_name();
    if (is_file || !error) return error;
    // Of a directory everything is here. commit() meets the same error, and keep() can save it.
    problem.clear();
    return {};
}

// Looks for the name now rather than after gigabytes. commit() looks again.
error_code document_receiver::state::choose_name()
{
    name = own_name();
    const error_code error = destination.require_absent(name);
    if (error == errc::destination_exists && options.allow_other_name && choose_other_name()) return {};
    if (error) problem = "\"" + escaped(name) + "\"";
    return error;
}

// Sets `name` to the next one that is free.
bool document_receiver::state::choose_other_name()
{
    while (other_number < max_other_names) {
        name = numbered_name(own_name(), ++other_number, !is_file);
        if (destination.require_absent(name) != errc::destination_exists) return true;
    }
    name = own_name();
    return false;
}

error_code document_receiver::state::finish_root()
{
    const auto root = parse_root(small);
    if (!root) return fail(errc::pack_bad_root, "a malformed root");
    top = root->top;
    return take_name(root->name);
}

error_code document_receiver::state::end_pack()
{
    document.is_directory = !is_file;
    if (is_file) {
        at = stage::complete;
        return {};
    }
    if (!top) return fail(errc::pack_bad_root, "no root");
    if (const error_code error = store.resolve_waiting()) return error;
    if (const error_code error = builder.check(*top)) return problem = builder.problem(), error;
    document.files = builder.total().files;
    document.directories = builder.total().directories;
    document.content_bytes = builder.total().bytes;
    at = stage::complete;
    return {};
}

// Says where and why, for people. Example: "entry 17 at offset 4711: delta copies past its base's end". The
// error's own words are not repeated.
void document_receiver::state::describe(error_code error)
{
    if (error == condition::local_fault) return describe_local(error);
    const auto place = [](std::uint32_t number, std::uint64_t offset) {
        return "entry " + std::to_string(number + std::uint64_t{1}) + " at offset " + std::to_string(offset);
    };
    detail.clear();
    if (const auto entry = store.problem_entry())
        detail = place(*entry, store.index().at(*entry).offset);
    else if (reader.in_entry())
        detail = place(reader.entry_number(), reader.entry_offset());
    std::string why = problem;
    if (why.empty()) why = reader.problem();
    if (why.empty()) why = store.problem();
    if (!detail.empty() && !why.empty()) detail += ": ";
    detail += why;
}

// A fault of this side's disk: what is in the stream does not matter.
void document_receiver::state::describe_local(error_code error)
{
    namespace system_errc = boost::system::errc;
    detail = problem.empty() ? std::string(store.problem()) : problem;
    const bool is_full = error == system_errc::no_space_on_device || error.value() == EDQUOT;
    if (is_full && error.category() == file_category()) {
        if (!detail.empty()) detail += "; ";
        if (expected) detail += "it needs " + format_bytes(*expected) + "; ";
        detail += format_bytes(store.file_bytes_written()) + " have arrived";
        if (const std::uint64_t free = destination.free_space().free_bytes; free != UINT64_MAX)
            detail += ", " + format_bytes(free) + " are free";
    }
    if (detail.empty() && error.category() == file_category())
        detail = "in " + escaped(options.directory.native());
}

// Nothing more is taken.
error_code document_receiver::state::end_with(error_code error)
{
    error = as_file_error(error);
    describe(error);
    at = stage::failed;
    failure = error;
    drop();
    return error;
}

// A commit that found the name taken may be repeated, but the directory is built once.
error_code document_receiver::state::build()
{
    if (is_file || built) return {};
    if (const error_code error = builder.build(staging.directory(), built_name))
        return problem = builder.problem(), end_with(error);
    built = true;
    document.files = builder.total().files;
    document.directories = builder.total().directories;
    document.content_bytes = builder.total().bytes;
    document.skipped = builder.skipped();
    document.skipped_count = builder.skipped_count();
    return {};
}

// Moves the document to its place, under another name if that is allowed.
error_code document_receiver::state::move_to_place()
{
    error_code error;
    do error = staging.directory().move(staged_name(), destination, name);
    while (error == errc::destination_exists && options.allow_other_name && choose_other_name());
    if (error) detail = "\"" + escaped(name) + "\"";
    return error;
}

error_code document_receiver::state::refused_by_output(error_code error)
{
    detail.clear(); // the owner of the output knows more
    at = stage::failed;
    return failure = as_file_error(error);
}

// The staged file loses its name before its content goes out: whatever ends the program then, nothing is left.
error_code document_receiver::state::give_to_output()
{
    const auto file = staging.directory().open_file(staged_name());
    if (!file) return end_with(file.error());
    drop();
    const auto buffer = std::make_unique_for_overwrite<byte[]>(output_piece_bytes);
    for (std::uint64_t done = 0; done < document.content_bytes;) {
        const auto piece = static_cast<std::size_t>(
            std::min<std::uint64_t>(document.content_bytes - done, output_piece_bytes));
        const mutable_bytes bytes(buffer.get(), piece);
        if (const error_code error = file->read_at(done, bytes)) return end_with(error);
        if (const error_code error = options.output(bytes)) return refused_by_output(error);
        done += piece;
    }
    if (const error_code error = options.output({})) return refused_by_output(error);
    return {};
}

void document_receiver::state::drop() noexcept
{
    store.close();
    staging.remove();
}

document_receiver::document_receiver(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
document_receiver::document_receiver(document_receiver&&) noexcept = default;
document_receiver& document_receiver::operator=(document_receiver&&) noexcept = default;
document_receiver::~document_receiver() = default;

result<document_receiver> document_receiver::create(receiver_options options)
{
    if (options.name && !document_name_problem(*options.name).empty())
        return make_error_code(errc::hostile_name);
    auto destination = guarded_directory::open(options.directory);
    if (!destination) return destination.error();
    if (options.name)
        if (const error_code error = destination->require_absent(*options.name))
            if (error != errc::destination_exists || !options.allow_other_name) return error;
    if (const error_code error = initialise_crypto()) return error;
    staging_area::remove_stale(*destination);
    if (const error_code error = staging_area::try_out(*destination, system_random())) return error;
    auto made = std::make_unique<state>(std::move(options));
    made->destination = std::move(*destination);
    return document_receiver(std::move(made));
}

error_code document_receiver::write(bytes_view bytes)
{
    state& s = *state_;
    if (s.at == state::stage::failed) return s.failure;
    s.taken += bytes.size();
    if (s.at != state::stage::receiving) return {};
    const error_code error = s.reader.write(bytes, s);
    return error ? s.end_with(error) : error;
}

bool document_receiver::complete() const noexcept
{
    return state_->at == state::stage::complete || state_->at == state::stage::committed;
}

std::optional<received_document> document_receiver::preview() const
{
    const state& s = *state_;
    if (s.at == state::stage::failed || (!complete() && !s.expected)) return std::nullopt;
    received_document out = s.document;
    if (!s.options.output) out.path = s.options.directory / s.name;
    return out;
}

result<received_document> document_receiver::commit()
{
    state& s = *state_;
    switch (s.at) {
    case state::stage::failed:
        return s.failure;
    case state::stage::committed:
        return make_error_code(errc::cancelled);
    case state::stage::receiving:
        s.problem = "ended after " + std::to_string(s.taken) + " bytes";
        s.describe(errc::pack_truncated);
        return make_error_code(errc::pack_truncated);
    case state::stage::complete:
        break;
    }
    if (s.options.output) {
        if (const error_code error = s.give_to_output()) return error;
    } else {
        if (const error_code error = s.build()) return error;
        if (const error_code error = s.move_to_place()) return error;
        s.document.path = s.options.directory / s.name;
    }
    s.at = state::stage::committed;
    s.drop();
    return s.document;
}

std::optional<std::filesystem::path> document_receiver::keep()
{
    state& s = *state_;
    if (s.at != state::stage::complete || !s.staging || (!s.is_file && !s.built)) return std::nullopt;
    s.options.allow_other_name = true;
    const std::string why = s.detail;
    if (s.move_to_place()) {
        const std::string staged = s.staged_name();
        s.document.path = s.options.directory / s.staging.keep() / staged;
    } else {
        s.document.path = s.options.directory / s.name;
    }
    s.at = state::stage::committed;
    s.drop();
    s.detail = why + "; what arrived is kept as \"" + escaped(s.document.path.native(), 8192) + "\"";
    return s.document.path;
}

void document_receiver::abandon() noexcept
{
    state& s = *state_;
    if (s.at == state::stage::committed) return;
    s.drop();
    if (s.at != state::stage::failed) s.detail = "abandoned";
    s.at = state::stage::failed;
    s.failure = errc::cancelled;
}

const std::string& document_receiver::error_detail() const noexcept
{
    return state_->detail;
}
const std::string& document_receiver::offered_name() const noexcept
{
    return state_->offered;
}
std::string document_receiver::other_name() const
{
    return state_->other_number > 0 && state_->name != state_->own_name() ? state_->name : std::string();
}
std::uint64_t document_receiver::content_bytes_written() const noexcept
{
    return state_->store.file_bytes_written();
}
std::uint64_t document_receiver::stream_bytes() const noexcept
{
    return state_->taken;
}
std::optional<std::uint64_t> document_receiver::expected_content_bytes() const noexcept
{
    return state_->expected;
}

} // namespace parley
