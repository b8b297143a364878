#include "payload/in/tree_builder.hpp"

#include "payload/disk/name_probe.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>
#include <functional>

namespace parley {
namespace {

constexpr std::size_t longest_entry_bytes = tree_entry_bytes(false, max_name_bytes);

} // namespace

error_code tree_builder::fail(errc code, std::string_view problem, std::string_view name)
{
    problem_ = problem;
    if (!name.empty()) problem_ += ": \"" + escaped(name) + "\"";
    return code;
}

error_code tree_builder::cannot_make(error_code error)
{
    problem_ = "cannot make \"" + escaped(parser_.entry().name) + "\"";
    return error;
}

error_code tree_builder::next(cursor& at, bool& ended)
{
    const std::uint64_t left = store_.index().at(at.object).size - at.offset;
    ended = left == 0;
    if (ended) return {};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, longest_entry_bytes));
    const bool inside = buffer_at_.object == at.object && at.offset >= buffer_at_.offset &&
                        at.offset - buffer_at_.offset <= buffered_ &&
                        buffered_ - (at.offset - buffer_at_.offset) >= wanted;
    if (!inside) {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_bytes));
        buffered_ = 0;
        const error_code error = store_.read_directory(at.object, at.offset, {buffer_.data(), piece});
        if (error) return error;
        buffer_at_ = at;
        buffered_ = piece;
    }
    const auto start = static_cast<std::size_t>(at.offset - buffer_at_.offset);
    bytes_view in(buffer_.data() + start, wanted);
    parser_.reset();
    switch (parser_.next(in)) {
    case tree_parser::status::entry:
        at.offset += wanted - in.size();
        return {};
    case tree_parser::status::bad:
        return fail(errc::pack_bad_tree, parser_.problem(), parser_.partial_name());
    case tree_parser::status::more:
        break;
    }
    return fail(errc::pack_bad_tree, "a directory that ends inside an entry", parser_.partial_name());
}

error_code tree_builder::find(const tree_entry& entry, std::uint32_t& object)
{
    const auto found = store_.index().find(entry.id);
    if (!found) return fail(errc::pack_missing_object, "content that never came", entry.name);
    object = *found;
    const bool is_directory = store_.index().at(object).kind == pack_entry_kind::directory;
    if (is_directory == entry.is_directory) return {};
    return fail(errc::pack_bad_tree,
                is_directory ? "a directory whose entry says file" : "a file whose entry says directory",
                entry.name);
}

// Adds to the directory on top of the stack what its entry `name` stands for.
error_code tree_builder::add(std::vector<check_frame>& stack, const totals& more, std::string_view name)
{
    totals& sum = stack.back().sum;
    const std::size_t depth = stack.size();
    const std::uint64_t paths =
        std::uint64_t{sum.files} + sum.directories + more.files + std::uint64_t{more.directories} + depth;
    if (paths > limits_.max_entries)
        return fail(errc::too_many_entries, "more paths than allowed", path_of(stack, name));
    if (depth + more.height > limits_.max_depth)
        return fail(errc::tree_too_deep, "directories nested deeper than allowed", path_of(stack, name));
    sum.files += more.files;
    sum.directories += more.directories;
    sum.bytes = more.bytes > UINT64_MAX - sum.bytes ? UINT64_MAX : sum.bytes + more.bytes;
    sum.height = std::max(sum.height, more.height);
    return {};
}

template <class Frame>
std::string tree_builder::path_of(const std::vector<Frame>& stack, std::string_view name)
{
    std::string path;
    for (const Frame& frame : stack)
        if (!frame.name.empty()) path += frame.name + '/';
    return path.append(name);
}

// ---- before everything has arrived

bool tree_builder::may_fill(std::uint32_t number)
{
    const object_index& index = store_.index();
    std::vector<std::uint64_t> keys;
    bool any = false;
    cursor at{number, 0};
    while (true) {
        bool ended = false;
        if (next(at, ended)) return false;
        if (ended) break;
        const tree_entry& entry = parser_.entry();
        if (!component_problem(entry.name).empty()) return false;
        keys.push_back(std::hash<std::string_view>()(entry.name));
        const auto object = index.find(entry.id);
        any = any || (!entry.is_directory && object && index.at(*object).held);
    }
    std::sort(keys.begin(), keys.end());
    return any && std::adjacent_find(keys.begin(), keys.end()) == keys.end();
}

error_code tree_builder::fill_early(std::uint32_t number)
{
    if (!store_.holds_files() || store_.index().at(number).size > longest_early_bytes) return {};
    const bool may = may_fill(number);
    problem_.clear();
    if (!may) return {};
    auto folder = store_.make_folder(number);
    if (!folder) return problem_ = "cannot make a folder for what arrives", folder.error();
    cursor at{number, 0};
    while (true) {
        const std::uint64_t offset = at.offset;
        bool ended = false;
        if (const error_code error = next(at, ended)) return error;
        if (ended) return {};
        const tree_entry& entry = parser_.entry();
        const auto object = store_.index().find(entry.id);
        if (entry.is_directory || !object || !store_.index().at(*object).held) continue;
        // A name that the file system refuses is left for build().
        const error_code error = store_.put_in_folder(*object, *folder, number, offset, entry.name);
        if (error && !is_name_refused(error, *folder)) return cannot_make(error);
    }
}

// ---- checking

error_code tree_builder::check(const object_id& top)
{
    tree_entry entry;
    entry.is_directory = true;
    entry.id = top;
    if (const error_code error = find(entry, top_)) return error;
    if (limits_.max_depth == 0) return fail(errc::tree_too_deep, "a directory", {});
    std::vector<check_frame> stack;
    stack.push_back({{top_, 0}, {}, {}, {}});
    while (!stack.empty()) {
        bool ended = false;
        if (const error_code error = next(stack.back().at, ended)) return error;
        if (const error_code error = ended ? check_end(stack) : check_entry(stack)) return error;
    }
    total_ = checked_[store_.index().at(top_).base - 1];
    if (const error_code error = check_paths()) return error;
    if (total_.bytes > limits_.max_document_bytes)
        return fail(errc::document_too_large, "larger than allowed once equal files are copied", {});
    if (total_.bytes > distinct_bytes_)
        if (const error_code error = store_.could_take(total_.bytes - distinct_bytes_)) {
            problem_ = "for the copies of equal files";
            if (!store_.problem().empty()) problem_ += ": " + std::string(store_.problem());
            return error;
        }
    return {};
}

// A few hundred bytes of directories that name one another can make millions of paths. What a document makes is
// counted before any of it is made.
error_code tree_builder::check_paths()
{
    const std::uint64_t paths = std::uint64_t{total_.files} + total_.directories;
    const std::uint64_t entries = store_.index().size();
    if (paths > std::max<std::uint64_t>(limits_.max_repeated_paths, paths_per_entry * entries))
        return fail(errc::too_many_entries,
                    "makes " + std::to_string(paths) + " paths of " + std::to_string(entries) + " entries",
                    {});
    if (const error_code error = store_.could_make(paths - std::min(paths, inodes_here_)))
        return problem_ = store_.problem(), error;
    return {};
}

error_code tree_builder::check_entry(std::vector<check_frame>& stack)
{
    const tree_entry& entry = parser_.entry();
    check_frame& frame = stack.back();
    if (const std::string_view problem = component_problem(entry.name); !problem.empty())
        return fail(errc::hostile_name, "a name that is refused, because it " + std::string(problem),
                    path_of(stack, entry.name));
    std::uint32_t object = 0;
    if (const error_code error = find(entry, object)) return error;
    frame.keys.push_back(std::hash<std::string_view>()(entry.name));
    object_record& record = store_.index().at(object);
    if (!entry.is_directory) {
        if (record.seen) {
            share(object);
        } else {
            distinct_bytes_ += record.size;
            if (!record.held) ++inodes_here_;
        }
        record.seen = true;
        totals file;
        file.files = 1;
        file.bytes = record.size;
        return add(stack, file, entry.name);
    }
    if (record.base != 0) {
        share(object);
        return add(stack, checked_[record.base - 1], entry.name);
    }
    if (stack.size() >= limits_.max_depth)
        return fail(errc::tree_too_deep, "directories nested deeper than allowed",
                    path_of(stack, entry.name));
    stack.push_back({{object, 0}, {}, std::string(entry.name), {}});
    return {};
}

error_code tree_builder::check_end(std::vector<check_frame>& stack)
{
    check_frame frame = std::move(stack.back());
    std::sort(frame.keys.begin(), frame.keys.end());
    const auto twice = std::adjacent_find(frame.keys.begin(), frame.keys.end());
    if (twice != frame.keys.end()) return collision(frame, *twice);
    stack.pop_back();
    totals done = frame.sum;
    ++done.directories;
    ++done.height;
    if (store_.index().at(frame.at.object).placed) ++inodes_here_;
    checked_.push_back(done);
    store_.index().at(frame.at.object).base = static_cast<std::uint32_t>(checked_.size());
    return stack.empty() ? error_code() : add(stack, done, frame.name);
}

void tree_builder::share(std::uint32_t object)
{
    object_record& record = store_.index().at(object);
    if (record.shared) return;
    record.shared = true;
    if (record.kind == pack_entry_kind::directory) shared_.push_back(object);
}

// Two entries have one name. (A file system may take other names for one, too: that is found in build().)
error_code tree_builder::collision(const check_frame& frame, std::uint64_t key)
{
    cursor at{frame.at.object, 0};
    bool ended = false;
    while (!ended) {
        if (const error_code error = next(at, ended)) return error;
        if (ended || std::hash<std::string_view>()(parser_.entry().name) == key) break;
    }
    return fail(errc::name_collision, "a name that comes twice", parser_.entry().name);
}

// ---- building

// An object that is needed once in a directory is needed twice if the directory is.
error_code tree_builder::share_what_is_below()
{
    while (!shared_.empty()) {
        cursor at{shared_.back(), 0};
        shared_.pop_back();
        while (true) {
            bool ended = false;
            if (const error_code error = next(at, ended)) return error;
            if (ended) break;
            std::uint32_t object = 0;
            if (const error_code error = find(parser_.entry(), object)) return error;
            share(object);
        }
    }
    return {};
}

// A shared file is copied from its staged name.
error_code tree_builder::separate_shared()
{
    for (std::uint32_t number = 0; number < store_.index().size(); ++number)
        if (store_.index().at(number).shared && store_.in_folder(number))
            if (const error_code error = store_.take_from_folder(number)) return error;
    return {};
}

error_code tree_builder::build(const guarded_directory& where, std::string_view name)
{
    error_code error = share_what_is_below();
    if (!error) error = separate_shared();
    if (error) return problem_ = "cannot set apart what is needed twice", error;
    auto made = make_directory(top_, where, name);
    if (!made) return problem_ = "cannot make the directory", made.error();
    std::vector<build_frame> stack;
    stack.push_back({{top_, 0}, std::move(*made), {}});
    while (!stack.empty()) {
        bool ended = false;
        if (error = next(stack.back().at, ended); error) return error;
        if (ended) {
            stack.pop_back();
            continue;
        }
        error = build_entry(stack);
        if (!error) continue;
        if (!is_name_refused(error, stack.back().directory)) return cannot_make(error);
        leave_out(stack, error);
    }
    return {};
}

// Leaves out the entry read last.
void tree_builder::leave_out(const std::vector<build_frame>& stack, const error_code& error)
{
    const tree_entry& entry = parser_.entry();
    ++skipped_count_;
    if (skipped_.size() < max_skipped)
        skipped_.push_back({path_of(stack, entry.name),
                            error == errc::destination_exists
                                ? "the file system takes its name for another one's in this directory"
                                : "the file system cannot hold its name: " + error.message()});
    std::uint32_t object = 0;
    if (find(entry, object)) return; // check() has found it
    const object_record& record = store_.index().at(object);
    totals left;
    left.files = 1;
    left.bytes = record.size;
    if (entry.is_directory) left = checked_[record.base - 1];
    total_.files -= std::min(total_.files, left.files);
    total_.directories -= std::min(total_.directories, left.directories);
    total_.bytes -= std::min(total_.bytes, left.bytes);
}

error_code tree_builder::build_entry(std::vector<build_frame>& stack)
{
    const tree_entry& entry = parser_.entry();
    const build_frame& frame = stack.back();
    std::uint32_t object = 0;
    if (const error_code error = find(entry, object)) return error;
    const object_record& record = store_.index().at(object);
    if (!entry.is_directory) {
        if (store_.in_folder(object)) {
            if (record.base == frame.at.object) return {}; // this very file, because it is needed only once
            if (const error_code error = store_.take_from_folder(object)) return error;
        }
        return store_.place_file(object, frame.directory, entry.name, record.shared);
    }
    if (record.size == 0) return frame.directory.make_empty_directory(entry.name);
    auto made = make_directory(object, frame.directory, entry.name);
    if (!made) return made.error();
    stack.push_back({{object, 0}, std::move(*made), std::string(entry.name)});
    return {};
}

result<guarded_directory> tree_builder::make_directory(std::uint32_t object, const guarded_directory& where,
                                                       std::string_view name)
{
    const object_record& record = store_.index().at(object);
    if (!record.placed || record.shared) return where.make_directory(name);
    if (const error_code error = store_.place_folder(object, where, name)) return error;
    return where.open_directory(name);
}

} // namespace parley
