#include "peer/web/module/offered_items.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>

namespace parley::web {
namespace {

constexpr std::uint16_t file_mode = 0644, directory_mode = 0755;

// The order of SESSION2.md section 7: bytewise, with '/' taken as 0.
bool precedes(std::string_view a, std::string_view b) noexcept
{
    const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (at == a.end() || other == b.end()) return at == a.end() && other != b.end();
    const auto weight = [](char c) { return c == '/' ? 0 : static_cast<byte>(c); };
    return weight(*at) < weight(*other);
}

std::string_view first_component(std::string_view path) noexcept
{
    return path.substr(0, path.find('/'));
}

} // namespace

void offered_items::add(item what)
{
    while (what.path.ends_with('/')) what.path.pop_back();
    what.number = static_cast<std::uint32_t>(items_.size());
    items_.push_back(std::move(what));
}

void offered_items::add_file(std::string path, std::uint64_t size, std::int64_t modified)
{
    add({entry_kind::file, std::move(path), size, modified, 0});
}

void offered_items::add_folder(std::string path, std::int64_t modified)
{
    add({entry_kind::directory, std::move(path), 0, modified, 0});
}

void offered_items::add_text(std::uint64_t size)
{
    ++texts_;
    add({entry_kind::file, {}, size, unknown_time, 0});
}

// The items and all folders above them, in the order of the document.
std::vector<offered_items::item> offered_items::in_order() const
{
    std::vector<item> out = items_;
    for (const item& each : items_)
        for (std::size_t end = each.path.find('/'); end != std::string::npos;
             end = each.path.find('/', end + 1)) {
            // Mostly the item before this one is in the same folder.
            const std::string_view folder = std::string_view{each.path}.substr(0, end);
            const bool known = out.size() > items_.size() && out.back().path == folder;
            if (!known)
                out.push_back(
                    {entry_kind::directory, std::string{folder}, 0, unknown_time, offered_document::no_item});
        }
    // Of one folder the entry that the user named comes first, and stays.
    std::stable_sort(out.begin(), out.end(), [](const item& a, const item& b) {
        if (a.path != b.path) return precedes(a.path, b.path);
        return a.number < b.number;
    });
    const auto is_same_folder = [](const item& a, const item& b) {
        return a.path == b.path && a.kind == entry_kind::directory && b.kind == entry_kind::directory;
    };
    out.erase(std::unique(out.begin(), out.end(), is_same_folder), out.end());
    return out;
}

// The folder that everything is in; empty when there is none.
std::string_view offered_items::only_folder() const
{
    const std::string_view first = first_component(items_.front().path);
    for (const item& each : items_) {
        if (first_component(each.path) != first) return {};
        if (each.path == first && each.kind != entry_kind::directory) return {};
    }
    return first;
}

result<offered_document> offered_items::make(std::string name, random_source& random, std::string& why) const
{
    if (items_.empty() || (texts_ != 0 && items_.size() != 1)) return make_error_code(errc::not_a_document);
    document_kind kind = document_kind::items;
    std::string_view folder;
    if (texts_ != 0) {
        kind = document_kind::text;
        if (items_.front().size > max_document_text_bytes) return make_error_code(errc::document_too_large);
    } else if (folder = only_folder(); !folder.empty()) {
        kind = document_kind::directory;
        if (name.empty()) name = folder;
    } else if (items_.size() == 1 && items_.front().path.find('/') == std::string::npos) {
        kind = document_kind::file;
        if (name.empty()) name = items_.front().path;
    }
    // What people see, and what their other files lie beside, must not mislead.
    if (kind == document_kind::file || kind == document_kind::directory)
        if (const std::string_view problem = document_name_problem(name); !problem.empty()) {
            why = "the name \"" + escaped(name) + "\" " + std::string{problem};
            return make_error_code(errc::hostile_name);
        }
    if (const auto fault = document_outline::check(kind, name)) {
        why = fault->text;
        return make_error_code(errc::hostile_name);
    }
    document_id id;
    random.fill(id);
    std::vector<item> sorted = in_order();
    std::vector<std::string> tops;
    if (kind == document_kind::items)
        for (const item& each : sorted)
            if (each.path.find('/') == std::string::npos) tops.push_back(each.path);
    const auto outline = std::make_shared<document_outline>(kind, id, std::move(name), std::move(tops));
    offered_document out;
    for (const item& each : sorted) {
        std::string_view path = each.path;
        if (kind == document_kind::directory) {
            if (path == folder) continue; // the top is no entry
            path.remove_prefix(folder.size() + 1);
        } else if (kind != document_kind::items) {
            path = {};
        }
        const bool is_file = each.kind == entry_kind::file;
        document_entry entry;
        entry.kind = each.kind;
        entry.path = path;
        entry.mode = is_file ? file_mode : directory_mode;
        entry.modified = kind == document_kind::text ? unknown_time : each.modified;
        entry.size = each.size;
        if (const auto fault = outline->add(entry)) {
            why = fault->text;
            return make_error_code(fault->reason == session_reason::no_space ? errc::too_many_entries
                                                                             : errc::entry_not_taken);
        }
        out.items.push_back(each.number);
    }
    if (const auto fault = outline->complete()) {
        why = fault->text;
        return make_error_code(errc::entry_not_taken);
    }
    out.outline = outline;
    return out;
}

} // namespace parley::web
