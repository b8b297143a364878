#include "payload/sink/document_placement.hpp"

#include "payload/disk/name_probe.hpp"

#include <parley/base/safe_name.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr unsigned max_other_numbers = 1000;
constexpr std::size_t max_tried_names = 1000;
constexpr std::string_view trial_link = "link";

using node_kind = guarded_directory::node_kind;

// Whether no file system has a problem with the name.
bool is_held_everywhere(std::string_view name) noexcept
{
    constexpr std::size_t max_bytes = 100;
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.';
    };
    return name.size() <= max_bytes && name.back() != '.' && std::all_of(name.begin(), name.end(), is_plain);
}

} // namespace

document_placement::document_placement(std::shared_ptr<const document_outline> document,
                                       const folder_sink_options& options,
                                       const guarded_directory& destination)
    : document_(std::move(document)),
      when_taken_(options.when_taken()),
      destination_(&destination),
      is_whole_(document_->offer().kind != document_kind::items || options.name())
{
    if (is_whole_) {
        const document_kind kind = document_->offer().kind;
        const std::string& name = options.name() ? *options.name() : document_->offer().name;
        pieces_.push_back(
            {top_entry, kind == document_kind::directory || kind == document_kind::items, name, name});
        return;
    }
    for (std::uint32_t number = 0; number < entries().size(); ++number) {
        const entry_list::entry entry = entries().at(number);
        if (entry.parent == top_entry)
            pieces_.push_back({number, entry.kind == entry_kind::directory, std::string(entry.name),
                               std::string(entry.name)});
    }
}

error_code document_placement::fail(error_code error, std::string_view name, std::string_view what)
{
    problem_ = "\"" + std::string(name) + "\"";
    if (!what.empty()) problem_ += " " + std::string(what);
    return error;
}

std::string document_placement::other_name() const
{
    return is_whole_ && pieces_[0].name != pieces_[0].wanted ? pieces_[0].name : std::string();
}

std::vector<std::string> document_placement::names() const
{
    const bool any = std::any_of(pieces_.begin(), pieces_.end(), [](const piece& p) { return p.placed; });
    std::vector<std::string> out;
    for (const piece& each : pieces_)
        if (each.placed || !any) out.push_back(each.name);
    return out;
}

// Sets the name to the next one that is free.
bool document_placement::choose_other_name(piece& each) const
{
    while (each.other_number < max_other_numbers) {
        each.name = numbered_name(each.wanted, ++each.other_number, each.is_directory);
        if (destination_->require_absent(each.name) != errc::destination_exists) return true;
    }
    each.name = each.wanted;
    return false;
}

// ---- before the transfer

error_code document_placement::check()
{
    std::size_t taken = 0;
    for (piece& each : pieces_) {
        const error_code error = check_piece(each);
        if (error != errc::destination_exists || when_taken_ != taken_action::keep_going) {
            if (error) return error;
        } else if (++taken == pieces_.size()) {
            return error;
        }
    }
    return {};
}

error_code document_placement::check_piece(piece& each)
{
    const error_code error = destination_->require_absent(each.name);
    if (!error) return {};
    // A name that cannot be looked up may be one that cannot be made.
    if (error == boost::system::errc::filename_too_long)
        return fail(errc::entry_not_placed, each.name, "is too long a name for this file system");
    if (error != errc::destination_exists) return fail(error, each.name, "cannot be looked up");
    if (when_taken_ == taken_action::overwrite) return check_overwrite(each);
    if (when_taken_ == taken_action::rename && choose_other_name(each)) return {};
    return fail(error, each.name, "exists");
}

error_code document_placement::check_overwrite(const piece& each)
{
    const auto found = destination_->look_at(each.name);
    if (!found) return {}; // it has just gone
    if (!each.is_directory)
        return found->kind == node_kind::file || found->kind == node_kind::link
                   ? error_code()
                   : fail(errc::destination_exists, each.name, "is no file here");
    if (found->kind != node_kind::directory)
        return fail(errc::destination_exists, each.name, "is no directory here");
    if (each.entry != top_entry) return check_merge(*destination_, each.entry + 1, end_of(each.entry));
    const auto root = destination_->open_directory(each.name);
    if (!root) return fail(root.error(), each.name, "cannot be opened");
    return check_merge(*root, 0, static_cast<std::uint32_t>(entries().size()));
}

// One past the last entry below `entry`.
std::uint32_t document_placement::end_of(std::uint32_t entry) const
{
    std::uint32_t end = entry + 1;
    while (end < entries().size() && entries().at(end).parent != top_entry) ++end;
    return end;
}

// Looks for what the entries from `first` to `end` cannot replace in the tree `root`.
error_code document_placement::check_merge(const guarded_directory& root, std::uint32_t first,
                                           std::uint32_t end)
{
    entry_directories theirs(entries(), root);
    std::vector<bool> is_new(end - first);
    for (std::uint32_t number = first; number < end; ++number) {
        const entry_list::entry entry = entries().at(number);
        is_new[number - first] =
            entry.parent != top_entry && entry.parent >= first && is_new[entry.parent - first];
        if (is_new[number - first]) continue;
        const auto where = theirs.open(entry.parent);
        if (!where) return fail(where.error(), entries().path(number), "cannot be looked up");
        const auto found = (*where)->look_at(entry.name);
        if (!found) {
            is_new[number - first] = true;
            continue;
        }
        const bool is_directory = entry.kind == entry_kind::directory;
        const bool fits = is_directory ? found->kind == node_kind::directory
                                       : found->kind == node_kind::file || found->kind == node_kind::link;
        if (!fits)
            return fail(errc::destination_exists, entries().path(number),
                        is_directory ? "is no directory here" : "is no file here");
    }
    return {};
}

error_code document_placement::try_names(const guarded_directory& trial)
{
    if (when_taken_ == taken_action::keep_going) return {};
    if (const error_code error = try_link(trial)) return error;
    std::size_t tried = 0;
    for (const piece& each : pieces_) {
        if (++tried > max_tried_names) break;
        const error_code error = trial.make_empty_directory(each.name);
        if (error == errc::destination_exists)
            return fail(errc::entry_not_placed, each.name,
                        "and \"" + trial.name_on_disk(each.name) + "\" are one name on this file system");
        if (error && is_name_refused(error, trial))
            return fail(errc::entry_not_placed, each.name, "cannot be a name on this file system");
        if (error) return fail(error, each.name, "cannot be made");
    }
    for (std::uint32_t number = 0; number < entries().size() && tried < max_tried_names; ++number) {
        const entry_list::entry entry = entries().at(number);
        if (is_held_everywhere(entry.name)) continue;
        ++tried;
        const error_code error = trial.make_empty_directory(entry.name);
        if (!error) static_cast<void>(trial.remove_directory(entry.name));
        if (error && error != errc::destination_exists && is_name_refused(error, trial))
            return fail(errc::entry_not_placed, entries().path(number),
                        "cannot be a name on this file system");
    }
    return {};
}

// Links are made last, so a file system that holds none is found here.
error_code document_placement::try_link(const guarded_directory& trial)
{
    std::uint32_t number = 0;
    while (number < entries().size() && entries().at(number).kind != entry_kind::link) ++number;
    if (number == entries().size()) return {};
    const error_code error = trial.make_link(trial_link, std::string(trial_link));
    if (error && is_name_refused(error, trial))
        return fail(errc::entry_not_placed, entries().path(number), "cannot be a link on this file system");
    static_cast<void>(trial.remove(trial_link));
    return {};
}

// ---- after the transfer

error_code document_placement::place(staged_document& staged, const guarded_directory& folder)
{
    taken_.clear();
    if (when_taken_ == taken_action::overwrite)
        for (const piece& each : pieces_)
            if (destination_->require_absent(each.name) == errc::destination_exists)
                if (const error_code error = check_overwrite(each)) return error;
    for (piece& each : pieces_) {
        const bool is_item = each.entry != top_entry;
        if (is_item && !staged.is_here(each.entry)) continue; // its name cannot be held
        const guarded_directory& from = is_item ? staged.tree() : folder;
        const std::string staged_name(is_item ? std::string_view(each.wanted) : staged_document::staged_name);
        error_code error = place_piece(each, from, staged_name);
        if (error == errc::destination_exists && when_taken_ == taken_action::overwrite)
            error = overwrite(each, staged, folder);
        if (!error) {
            each.placed = true;
            continue;
        }
        if (when_taken_ == taken_action::keep_going && is_item && error == errc::destination_exists) {
            taken_.push_back(each.name);
            continue;
        }
        if (when_taken_ != taken_action::overwrite) move_back(staged.tree());
        if (!problem_.empty()) return error;
        return fail(error, each.name, error == errc::destination_exists ? "exists" : "cannot be placed");
    }
    const bool none = std::none_of(pieces_.begin(), pieces_.end(), [](const piece& p) { return p.placed; });
    return none && !taken_.empty() ? fail(errc::destination_exists, taken_[0], "exists") : error_code();
}

error_code document_placement::place_piece(piece& each, const guarded_directory& from,
                                           std::string_view staged_name)
{
    problem_.clear();
    error_code error;
    do error = from.move(staged_name, *destination_, each.name);
    while (error == errc::destination_exists && when_taken_ == taken_action::rename &&
           choose_other_name(each));
    return error;
}

// One after the other, so that nothing of several items is lost when one of them finds its place taken.
void document_placement::move_back(const guarded_directory& to)
{
    for (piece& each : pieces_)
        if (std::exchange(each.placed, false))
            static_cast<void>(destination_->move(each.name, to, each.wanted));
}

error_code document_placement::overwrite(const piece& each, staged_document& staged,
                                         const guarded_directory& folder)
{
    const bool is_item = each.entry != top_entry;
    if (!each.is_directory) {
        const guarded_directory& from = is_item ? staged.tree() : folder;
        const std::string staged_name(is_item ? std::string_view(each.wanted) : staged_document::staged_name);
        const error_code error = from.replace(staged_name, *destination_, each.name);
        return error ? fail(error, each.name, "cannot be replaced") : error;
    }
    if (is_item) return merge(staged, *destination_, each.entry + 1, end_of(each.entry));
    const auto root = destination_->open_directory(each.name);
    if (!root) return fail(root.error(), each.name, "cannot be opened");
    return merge(staged, *root, 0, static_cast<std::uint32_t>(entries().size()));
}

// Moves the entries from `first` to `end` into the tree `root`: a directory whole where there is none.
error_code document_placement::merge(staged_document& staged, const guarded_directory& root,
                                     std::uint32_t first, std::uint32_t end)
{
    entry_directories theirs(entries(), root);
    std::vector<bool> is_done(end - first);
    for (std::uint32_t number = first; number < end; ++number) {
        const entry_list::entry entry = entries().at(number);
        is_done[number - first] =
            !staged.is_here(number) ||
            (entry.parent != top_entry && entry.parent >= first && is_done[entry.parent - first]);
        if (is_done[number - first]) continue;
        const auto from = staged.directories().open(entry.parent);
        const auto to = theirs.open(entry.parent);
        if (!from || !to)
            return fail(from ? to.error() : from.error(), entries().path(number), "cannot be placed");
        error_code error = (*from)->move(entry.name, **to, entry.name);
        is_done[number - first] = !error;
        if (error == errc::destination_exists && entry.kind != entry_kind::directory)
            error = (*from)->replace(entry.name, **to, entry.name);
        else if (error == errc::destination_exists) {
            const auto found = (*to)->look_at(entry.name);
            if (found && found->kind == node_kind::directory) continue;
        }
        if (error) return fail(error, entries().path(number), "cannot be replaced");
    }
    return {};
}

} // namespace parley
