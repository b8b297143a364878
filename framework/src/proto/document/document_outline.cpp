#include "proto/document/offer_codec.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::uint64_t count_end = std::uint64_t{1} << 63;   // all counts and sizes are below it
constexpr std::uint64_t entries_end = std::uint64_t{1} << 32; // so is the number of entries below this
constexpr std::uint16_t max_mode = 0777;

document_fault not_taken(std::string text)
{
    return {session_reason::bad_entry, std::move(text)};
}

// The components of a path, one after the other.
class components_of {
public:
    explicit components_of(std::string_view path) noexcept : left_{path} {}
    // An empty path is one empty component.
    bool next(std::string_view& component) noexcept
    {
        if (ended_) return false;
        const std::size_t end = left_.find('/');
        component = left_.substr(0, end);
        ended_ = end == std::string_view::npos;
        if (!ended_) left_.remove_prefix(end + 1);
        return true;
    }

private:
    std::string_view left_;
    bool ended_ = false;
};

std::optional<document_fault> check_name(std::string_view name)
{
    const std::string_view problem = entry_name_problem(name);
    if (problem.empty()) return std::nullopt;
    return not_taken("the name " + quoted(name) + " " + std::string{problem});
}

// A byte of a path, as it counts for the order: '/' comes before everything else.
constexpr byte rank(char c) noexcept
{
    return c == '/' ? byte{0} : static_cast<byte>(c);
}

bool comes_before(std::string_view a, std::string_view b) noexcept
{
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return rank(x) < rank(y); });
}

bool lies_in(std::string_view path, std::string_view directory) noexcept
{
    return path.size() > directory.size() && path[directory.size()] == '/' && path.starts_with(directory);
}

} // namespace

std::optional<document_fault> document_outline::check(document_kind kind, std::string_view name)
{
    if (kind > document_kind::text)
        return document_fault{session_reason::broken_rule,
                              "a document of kind " + std::to_string(static_cast<unsigned>(kind))};
    if (kind == document_kind::items || kind == document_kind::text) { // the name is only shown
        if (name.size() > max_name_bytes) return not_taken("the document's name is longer than 255 bytes");
        return std::nullopt;
    }
    const std::string_view problem = document_name_problem(name);
    if (problem.empty()) return std::nullopt;
    return not_taken("the document's name " + quoted(name) + " " + std::string{problem});
}

document_outline::document_outline(document_kind kind, const document_id& id, std::string name,
                                   std::vector<std::string> items)
    : items_{std::move(items)}
{
    offer_.kind = kind;
    offer_.id = id;
    offer_.name = std::move(name);
    if (kind == document_kind::stream) offer_.bytes = unknown_size;
    std::sort(items_.begin(), items_.end());
}

bool document_outline::holds_one_file() const noexcept
{
    return offer_.kind == document_kind::file || offer_.kind == document_kind::stream ||
           offer_.kind == document_kind::text;
}

std::optional<document_fault> document_outline::add(const document_entry& entry)
{
    if (entry.kind < entry_kind::file || entry.kind > entry_kind::link)
        return not_taken("an entry of kind " + std::to_string(static_cast<unsigned>(entry.kind)));
    std::size_t components = 1;
    if (holds_one_file()) {
        if (auto fault = check_only_entry(entry)) return fault;
    } else {
        components = 1 + static_cast<std::size_t>(std::count(entry.path.begin(), entry.path.end(), '/'));
        if (auto fault = check_path(entry.path, components)) return fault;
    }
    const bool stream = offer_.kind == document_kind::stream;
    const bool is_file = entry.kind == entry_kind::file, is_link = entry.kind == entry_kind::link;
    if (is_file ? (entry.size >= count_end && !stream) : entry.size != 0)
        return not_taken("the size of " + quoted(entry.path));
    if (entry.mode > (is_link ? 0 : max_mode)) return not_taken("the mode of " + quoted(entry.path));
    if (!is_link && !entry.target.empty())
        return not_taken(quoted(entry.path) + " is no link and has a target");

    const std::size_t count = entries_.size();
    if (std::uint64_t{count} + 1 >= entries_end || (!stream && offer_.bytes + entry.size >= count_end))
        return document_fault{session_reason::broken_rule, "too many entries, or bytes"};

    bool unsure = false;
    if (is_link) {
        auto checked = check_target(entry, components);
        if (checked.fault) return std::move(checked.fault);
        unsure = checked.leads_to_unknown_item;
    }

    // The directories that the entry is not in are complete.
    std::size_t depth = open_.size();
    while (depth > 0 &&
           !lies_in(entry.path, std::string_view{last_path_}.substr(0, open_[depth - 1].path_bytes)))
        --depth;
    const std::size_t slash = entry.path.rfind('/');
    const std::size_t parent_bytes = slash == std::string_view::npos ? 0 : slash;
    if (parent_bytes != (depth == 0 ? 0 : open_[depth - 1].path_bytes))
        return not_taken(quoted(entry.path) + " is in no directory of the document");

    entry_list::entry stored;
    stored.kind = entry.kind;
    stored.parent = depth == 0 ? top_entry : open_[depth - 1].number;
    stored.name = entry.path.substr(depth == 0 ? 0 : parent_bytes + 1);
    stored.mode = entry.mode;
    stored.modified = entry.modified;
    stored.size = entry.size;
    stored.target = entry.target;
    if (!entries_.append(stored))
        return document_fault{session_reason::no_space, "the entries need more than 4 GiB"};

    const auto number = static_cast<std::uint32_t>(count);
    open_.resize(depth);
    if (entry.kind == entry_kind::directory) open_.push_back({number, entry.path.size()});
    last_path_ = entry.path;
    if (offer_.kind == document_kind::items && depth == 0) tops_.push_back(number);
    if (unsure) unsure_.push_back(number);
    ++(entry.kind == entry_kind::directory ? offer_.directories : offer_.files);
    if (!stream) offer_.bytes += entry.size;

    encoded_.clear();
    append_entry(encoded_, entry);
    hash_.update(encoded_);
    entries_bytes_ += encoded_.size();
    return std::nullopt;
}

// The only entry of a file, stream or text.
std::optional<document_fault> document_outline::check_only_entry(const document_entry& entry) const
{
    const bool stream = offer_.kind == document_kind::stream, text = offer_.kind == document_kind::text;
    if (entries_.size() > 0 || entry.kind != entry_kind::file || !entry.path.empty())
        return not_taken("an entry " + quoted(entry.path) + " beside that of the document");
    if ((entry.size == unknown_size) != stream || (text && entry.size > max_document_text_bytes))
        return not_taken("the size of the document's entry");
    if ((stream || text) && entry.modified != unknown_time)
        return not_taken("the time of the document's entry");
    return std::nullopt;
}

std::optional<document_fault> document_outline::check_path(std::string_view path,
                                                           std::size_t components) const
{
    if (path.size() > max_entry_path_bytes || components > max_path_components)
        return not_taken("the path " + quoted(path) + " is too long");
    components_of each{path};
    for (std::string_view name; each.next(name);)
        if (auto fault = check_name(name)) return fault;
    if (offer_.kind == document_kind::items && components == 1) { // a document of its own
        const std::string_view problem = document_name_problem(path);
        if (!problem.empty())
            return not_taken("the item's name " + quoted(path) + " " + std::string{problem});
    }
    if (entries_.size() > 0 && !comes_before(last_path_, path))
        return not_taken(quoted(path) + " is out of order");
    return std::nullopt;
}

// A target leads from the link's folder up by some "..", then down by names. `components` are those of the link's
// path.
document_outline::checked_target document_outline::check_target(const document_entry& entry,
                                                                std::size_t components) const
{
    if (entry.target.empty() || entry.target.size() > max_entry_path_bytes)
        return {not_taken("the target of the link " + quoted(entry.path) + " is empty or too long")};
    components_of each{entry.target};
    std::size_t up = 0;
    std::string_view name, first;
    bool more = each.next(name);
    for (; more && name == ".."; more = each.next(name)) ++up;
    for (bool is_first = true; more; more = each.next(name), is_first = false) {
        if (auto fault = check_name(name)) return {std::move(fault)};
        if (is_first) first = name;
    }
    if (up + 1 > components)
        return {not_taken("the link " + quoted(entry.path) + " leads out of the document")};
    // Only what leads to the top of several items can miss them all.
    if (offer_.kind != document_kind::items || up + 1 < components) return {};
    if (!first.empty() && (items_.empty() || std::binary_search(items_.begin(), items_.end(), first)))
        return {std::nullopt, items_.empty()};
    return {not_taken("the link " + quoted(entry.path) + " leads to none of the items")};
}

std::optional<document_fault> document_outline::complete() const
{
    if (offer_.kind != document_kind::directory && entries_.size() == 0)
        return document_fault{session_reason::broken_rule, "the document has no entry"};
    for (const std::uint32_t number : unsure_) {
        std::string_view target = entries_.at(number).target;
        while (target.starts_with("../")) target.remove_prefix(3);
        const std::string_view item = target.substr(0, target.find('/'));
        const auto found = std::lower_bound(
            tops_.begin(), tops_.end(), item,
            [this](std::uint32_t top, std::string_view name) { return entries_.at(top).name < name; });
        if (found == tops_.end() || entries_.at(*found).name != item)
            return not_taken("the link " + quoted(entries_.path(number)) + " leads to none of the items");
    }
    return std::nullopt;
}

} // namespace parley
