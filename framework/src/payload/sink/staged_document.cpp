#include "payload/sink/staged_document.hpp"

#include "payload/disk/name_probe.hpp"

#include <algorithm>
#include <cerrno>

namespace parley {
namespace {

constexpr std::string_view probe_name = "probe"; // beside staged_name
constexpr std::size_t read_piece_bytes = 256 * 1024;

std::uint64_t whole_blocks(std::uint64_t bytes, std::uint32_t block_bytes)
{
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
}

// The permission bits that this user's umask leaves to what is made in `folder`.
unsigned allowed_mode(const guarded_directory& folder)
{
    static_cast<void>(folder.remove(probe_name));
    if (folder.make_empty_directory(probe_name)) return 0700;
    const auto made = folder.look_at(probe_name);
    static_cast<void>(folder.remove_empty_directory(probe_name));
    return made ? made->mode : 0700;
}

// Whether `where` holds exactly this name. A look-up may find another one, too.
bool is_listed(const guarded_directory& where, std::string_view name)
{
    const auto names = where.names("", "");
    return !names || std::find(names->begin(), names->end(), name) != names->end();
}

} // namespace

staged_document::staged_document(std::shared_ptr<const document_outline> document, bool leave_out)
    : document_(std::move(document)),
      leave_out_(leave_out),
      is_single_(document_->offer().kind != document_kind::directory &&
                 document_->offer().kind != document_kind::items),
      staged_(document_->entries().size(), absent)
{
}

error_code staged_document::fail(error_code error, std::string_view what, std::uint32_t number)
{
    problem_ = what;
    if (number != top_entry && !is_single_) problem_ += " \"" + entries().path(number) + "\"";
    return error;
}

// ---- what is there

error_code staged_document::adopt(const guarded_directory& folder)
{
    if (is_single_) {
        directories_.emplace(entries(), folder);
    } else {
        const auto there = folder.look_at(staged_name);
        if (there && (there->kind != guarded_directory::node_kind::directory || !there->is_own))
            static_cast<void>(folder.remove(staged_name));
        auto error = folder.make_empty_directory(staged_name);
        if (error && error != errc::destination_exists)
            return fail(error, "cannot make a folder for what comes", top_entry);
        auto opened = folder.open_directory(staged_name);
        if (!opened) return fail(opened.error(), "cannot open the folder for what comes", top_entry);
        tree_ = std::move(*opened);
        directories_.emplace(entries(), tree_);
    }
    scan(folder);
    return {};
}

// Compares the sorted names in the directories that are there with the entries, which are sorted likewise.
void staged_document::scan(const guarded_directory& folder)
{
    const unsigned allowed = allowed_mode(folder);
    if (is_single_) return scan_entry(0, staged_name, folder, allowed);
    tree_.set_mode(allowed);
    std::vector<listing> open;
    if (!start_listing(open, top_entry)) return;
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const std::uint32_t parent = entries().at(number).parent;
        if (parent != top_entry && staged_[parent] == absent) continue;
        while (open.back().directory != parent) {
            end_listing(open.back());
            open.pop_back();
        }
        scan_next(open.back(), number, allowed);
        if (entries().at(number).kind == entry_kind::directory && staged_[number] == 0 &&
            !start_listing(open, number))
            staged_[number] = absent;
    }
    for (; !open.empty(); open.pop_back()) end_listing(open.back());
}

// What cannot be listed is removed.
bool staged_document::start_listing(std::vector<listing>& open, std::uint32_t directory)
{
    const auto opened = directories_->open(directory);
    auto names = opened ? (*opened)->names("", "") : opened.error();
    if (names) {
        std::sort(names->begin(), names->end());
        open.push_back({directory, std::move(*names)});
        return true;
    }
    if (directory == top_entry) return false;
    const auto above = directories_->open(entries().at(directory).parent);
    if (above) static_cast<void>((*above)->remove(entries().at(directory).name));
    return false;
}

// Looks for the entry `number`, and removes the names before it, which are of no entry.
void staged_document::scan_next(listing& in, std::uint32_t number, unsigned allowed)
{
    const std::string_view name = entries().at(number).name;
    if (in.next == in.names.size() || in.names[in.next] > name) return;
    const auto where = directories_->open(in.directory);
    if (!where) return;
    for (; in.next < in.names.size() && in.names[in.next] < name; ++in.next)
        static_cast<void>((*where)->remove(in.names[in.next]));
    if (in.next == in.names.size() || in.names[in.next] != name) return;
    ++in.next;
    scan_entry(number, name, **where, allowed);
}

void staged_document::end_listing(listing& in)
{
    if (in.next == in.names.size()) return;
    const auto where = directories_->open(in.directory);
    for (; where && in.next < in.names.size(); ++in.next)
        static_cast<void>((*where)->remove(in.names[in.next]));
}

// Links are made again at the end.
void staged_document::scan_entry(std::uint32_t number, std::string_view name, const guarded_directory& where,
                                 unsigned allowed)
{
    using node_kind = guarded_directory::node_kind;
    const auto found = where.look_at(name);
    if (!found) return;
    const entry_list::entry entry = entries().at(number);
    const bool is_directory = entry.kind == entry_kind::directory;
    const unsigned mode = (entry.mode | (is_directory ? 0700u : 0600u)) & allowed;
    if (found->is_own && is_directory && found->kind == node_kind::directory) {
        if (found->mode != mode)
            if (const auto opened = where.open_directory(name)) opened->set_mode(mode);
        staged_[number] = 0;
        return;
    }
    if (found->is_own && entry.kind == entry_kind::file && found->kind == node_kind::file &&
        found->size <= entry.size) {
        bool usable = found->mode == mode;
        if (!usable)
            if (const auto opened = where.open_file_to_continue(name)) {
                opened->set_mode(mode);
                usable = true;
            }
        if (usable) staged_[number] = found->size;
        if (usable) return;
    }
    static_cast<void>(where.remove(name));
}

staged_document::need staged_document::missing(std::uint32_t block_bytes) const
{
    need out;
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const entry_list::entry entry = entries().at(number);
        const bool is_new = staged_[number] == absent;
        if (is_new) ++out.nodes;
        if (is_new && entry.kind == entry_kind::directory) out.bytes += block_bytes;
        if (entry.kind != entry_kind::file || entry.size == unknown_size) continue;
        out.bytes += whole_blocks(entry.size, block_bytes);
        if (!is_new) out.bytes -= whole_blocks(std::min(staged_[number], entry.size), block_bytes);
    }
    return out;
}

bool staged_document::has_content() const noexcept
{
    return std::any_of(staged_.begin(), staged_.end(),
                       [](std::uint64_t size) { return size > 0 && size < left_out; });
}

std::vector<kept_part> staged_document::kept()
{
    std::vector<kept_part> parts;
    auto earlier = kept_.begin();
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const std::uint64_t size = staged_[number];
        if (size == 0 || size >= left_out) continue;
        while (earlier != kept_.end() && earlier->entry < number) ++earlier;
        if (earlier != kept_.end() && earlier->entry == number && earlier->offset == size)
            parts.push_back(*earlier);
        else if (const auto digest = hash(number))
            parts.push_back({number, size, *digest});
    }
    kept_ = parts;
    return parts;
}

void staged_document::set_time(const guarded_file& file, const entry_list::entry& entry) noexcept
{
    if (entry.modified != unknown_time) file.set_modified(entry.modified);
}

// Hashes the staged bytes of a file, from where the last incomplete one was left.
std::optional<blake2b_256_digest> staged_document::hash(std::uint32_t number)
{
    const entry_list::entry entry = entries().at(number);
    const auto where = directories_->open(entry.parent);
    if (!where) return std::nullopt;
    const auto file = (*where)->open_file(name_of(entry));
    if (!file) return std::nullopt;
    const std::uint64_t size = staged_[number];
    partial work;
    if (partial_.entry == number && partial_.offset <= size) work = partial_;
    const auto buffer =
        std::make_unique_for_overwrite<byte[]>(std::min<std::uint64_t>(size, read_piece_bytes));
    while (work.offset < size) {
        const auto piece =
            static_cast<std::size_t>(std::min<std::uint64_t>(size - work.offset, read_piece_bytes));
        if (file->read_at(work.offset, {buffer.get(), piece})) return std::nullopt;
        work.hash.update({buffer.get(), piece});
        work.offset += piece;
    }
    work.entry = number;
    if (size < entry.size)
        partial_ = work;
    else // it is not opened again, and may never have been closed
        set_time(*file, entry);
    return work.hash.digest();
}

// ---- what comes

// The directory of `number`, which is made with those above it where they are missing.
result<const guarded_directory*> staged_document::directory(std::uint32_t number)
{
    std::vector<std::uint32_t> missing; // innermost first
    for (std::uint32_t above = number; above != top_entry && staged_[above] != 0;
         above = entries().at(above).parent) {
        if (staged_[above] == left_out) return make_error_code(errc::entry_not_placed);
        missing.push_back(above);
    }
    for (; !missing.empty(); missing.pop_back()) {
        const std::uint32_t next = missing.back();
        const entry_list::entry entry = entries().at(next);
        const auto where = directories_->open(entry.parent);
        if (!where) return fail(where.error(), "cannot open the folder of", next);
        if (const error_code error = (*where)->make_empty_directory(entry.name, entry.mode | 0700u))
            return cannot_make(next, error, **where);
        staged_[next] = 0;
    }
    const auto opened = directories_->open(number);
    if (!opened) return fail(opened.error(), "cannot open", number);
    return opened;
}

error_code staged_document::cannot_make(std::uint32_t number, error_code error,
                                        const guarded_directory& where)
{
    const std::string_view name = name_of(entries().at(number));
    if (error == errc::destination_exists) {
        const std::string held = where.name_on_disk(name);
        if (held == name && is_listed(where, name))
            return fail({EEXIST, file_category()}, "something is in the place of", number);
        problem_ = "\"" + entries().path(number) + "\" and \"" + held + "\" are one name on this file system";
    } else if (is_name_refused(error, where)) {
        fail(error, "this file system cannot hold", number);
        problem_ += ": " + error.message();
    } else {
        return fail(error, "cannot make", number);
    }
    if (leave_out_) {
        staged_[number] = left_out;
        left_out_.push_back(number);
    }
    return errc::entry_not_placed;
}

// What cannot be held is no error if it may be left out.
error_code staged_document::pass_over(std::uint32_t number, error_code error)
{
    if (error != errc::entry_not_placed || !leave_out_) return error;
    staged_[number] = left_out;
    return {};
}

error_code staged_document::open(std::uint32_t number, std::uint64_t offset)
{
    interrupt();
    current_ = number;
    const auto known =
        std::lower_bound(kept_.begin(), kept_.end(), number,
                         [](const kept_part& part, std::uint32_t n) { return part.entry < n; });
    if (known != kept_.end() && known->entry == number) known->offset = 0;
    if (partial_.entry == number && partial_.offset > offset) partial_ = {};

    const entry_list::entry entry = entries().at(number);
    const bool is_new = staged_[number] >= left_out;
    if (offset > (is_new ? 0 : staged_[number]))
        return fail(errc::document_rule_broken, "too little is here of", number);
    const auto where = directory(entry.parent);
    discards_ = staged_[number] == left_out;
    if (!discards_ && where) {
        auto file = is_new ? (*where)->make_file(name_of(entry), entry.mode | 0600u)
                           : (*where)->open_file_to_continue(name_of(entry));
        if (file) {
            file_ = std::move(*file);
            if (!is_new)
                if (const error_code error = file_.continue_at(offset))
                    return fail(error, "cannot shorten", number);
            staged_[number] = offset;
            return {};
        }
        if (!is_new) return fail(file.error(), "cannot open", number);
        const error_code error = pass_over(number, cannot_make(number, file.error(), **where));
        discards_ = !error;
        return error;
    }
    if (discards_) return {};
    const error_code error = pass_over(number, where.error());
    discards_ = !error;
    return error;
}

error_code staged_document::write(bytes_view bytes)
{
    if (discards_) return {};
    const error_code error = file_.append_sparse(bytes);
    staged_[current_] = file_.size();
    return error ? fail(error, "cannot write", current_) : error;
}

error_code staged_document::close()
{
    if (discards_) return {};
    if (const error_code error = file_.end_holes()) return fail(error, "cannot write", current_);
    set_time(file_, entries().at(current_));
    staged_[current_] = file_.size();
    if (const error_code error = file_.close()) return fail(error, "cannot write", current_);
    return {};
}

void staged_document::interrupt() noexcept
{
    if (!file_) return;
    if (file_.end_holes()) static_cast<void>(file_.continue_at(0));
    staged_[current_] = file_.size();
    static_cast<void>(file_.close());
}

// ---- the end

error_code staged_document::make_link(std::uint32_t number)
{
    const entry_list::entry entry = entries().at(number);
    const auto where = directory(entry.parent);
    if (!where) return pass_over(number, where.error());
    if (const error_code error = (*where)->make_link(entry.name, std::string(entry.target)))
        return pass_over(number, cannot_make(number, error, **where));
    staged_[number] = 0;
    if (entry.modified != unknown_time) (*where)->set_modified(entry.name, entry.modified);
    return {};
}

error_code staged_document::complete()
{
    interrupt();
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const entry_list::entry entry = entries().at(number);
        if (entry.kind == entry_kind::file && staged_[number] != left_out && staged_[number] != entry.size &&
            (entry.size != unknown_size || staged_[number] == absent))
            return fail(errc::document_rule_broken, "content is missing of", number);
        if (entry.kind != entry_kind::directory || staged_[number] == left_out) continue;
        if (const auto made = directory(number); !made)
            if (const error_code error = pass_over(number, made.error())) return error;
    }
    for (std::uint32_t number = 0; number < entries().size(); ++number)
        if (entries().at(number).kind == entry_kind::link && staged_[number] == absent)
            if (const error_code error = make_link(number)) return error;
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const entry_list::entry entry = entries().at(number);
        if (entry.kind != entry_kind::directory || entry.modified == unknown_time || staged_[number] != 0)
            continue;
        const auto where = directories_->open(entry.parent);
        if (!where) return fail(where.error(), "cannot open the folder of", number);
        (*where)->set_modified(entry.name, entry.modified);
    }
    return {};
}

void staged_document::count(stored_document& document) const
{
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        if (!is_here(number)) continue;
        switch (entries().at(number).kind) {
        case entry_kind::file:
            ++document.files;
            document.content_bytes += staged_[number];
            break;
        case entry_kind::directory:
            ++document.directories;
            break;
        case entry_kind::link:
            ++document.links;
            break;
        }
    }
}

} // namespace parley
