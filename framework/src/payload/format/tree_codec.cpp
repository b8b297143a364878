#include "payload/format/tree_codec.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::string_view directory_mode = "40000";
constexpr std::string_view file_mode = "100644";
constexpr std::string_view executable_mode = "100755";

// Byte number `at` of a name as trees compare it: a directory's name ends in a slash. -1 after the end.
int order_byte(std::string_view name, bool is_directory, std::size_t at)
{
    if (at < name.size()) return static_cast<byte>(name[at]);
    return at == name.size() && is_directory ? '/' : -1;
}

} // namespace

void append_tree_entry(byte_vector& out, bool is_directory, std::string_view name, const object_id& id)
{
    const bytes_view mode = as_bytes(is_directory ? directory_mode : file_mode);
    const bytes_view text = as_bytes(name);
    out.insert(out.end(), mode.begin(), mode.end());
    out.push_back(' ');
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
    out.insert(out.end(), id.begin(), id.end());
}

bool tree_order(std::string_view first, bool first_is_directory, std::string_view second,
                bool second_is_directory) noexcept
{
    const auto common = std::mismatch(first.begin(), first.end(), second.begin(), second.end());
    const auto at = static_cast<std::size_t>(common.first - first.begin());
    const int a = order_byte(first, first_is_directory, at);
    const int b = order_byte(second, second_is_directory, at);
    if (a != b) return a < b;
    // The names are equal up to a slash, which only happens for equal lengths or malformed names.
    return first.size() < second.size();
}

void tree_parser::reset() noexcept
{
    text_.clear();
    problem_ = {};
    state_ = state::mode;
    id_bytes_ = 0;
    delivered_ = false;
}

tree_parser::status tree_parser::next(bytes_view& in)
{
    if (delivered_) reset();
    while (!in.empty()) {
        if (state_ == state::id) {
            const std::size_t count = std::min(in.size(), sha1_bytes - id_bytes_);
            std::copy_n(in.begin(), count, entry_.id.begin() + static_cast<std::ptrdiff_t>(id_bytes_));
            in = in.subspan(count);
            id_bytes_ += count;
            if (id_bytes_ < sha1_bytes) return status::more;
            entry_.name = text_;
            state_ = state::mode;
            delivered_ = true;
            return status::entry;
        }
        const char c = static_cast<char>(in.front());
        if (state_ == state::mode) {
            if (c != ' ') {
                if (text_.size() == file_mode.size()) {
                    problem_ = "a malformed mode";
                    return status::bad;
                }
                text_ += c;
                in = in.subspan(1);
                continue;
            }
            entry_.is_directory = text_ == directory_mode;
            if (!entry_.is_directory && text_ != file_mode && text_ != executable_mode) {
                problem_ = text_ == "120000" ? "a symbolic link"
                                             : "a mode that is neither a file's nor a directory's";
                return status::bad;
            }
            text_.clear();
            in = in.subspan(1);
            state_ = state::name;
            continue;
        }
        const auto end = std::find(in.begin(), in.end(), byte{0});
        const auto length = static_cast<std::size_t>(end - in.begin());
        const std::size_t room = max_name_bytes - text_.size();
        text_ += as_text(in.first(std::min(length, room)));
        if (length > room) {
            problem_ = "a name of more than 255 bytes";
            return status::bad;
        }
        in = in.subspan(length);
        if (in.empty()) return status::more;
        in = in.subspan(1);
        state_ = state::id;
        id_bytes_ = 0;
    }
    return status::more;
}

} // namespace parley
