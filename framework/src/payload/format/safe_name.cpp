#include "payload/format/safe_name.hpp"

#include <parley/base/bytes.hpp>

#include <utf8proc.h>

#include <algorithm>

namespace parley {
namespace {

constexpr std::size_t longest_extension_bytes = 16; // with its dot

constexpr bool within(utf8proc_int32_t c, utf8proc_int32_t first, utf8proc_int32_t last)
{
    return c >= first && c <= last;
}

bool is_control(utf8proc_int32_t c)
{
    return c < 0x20 || within(c, 0x7f, 0x9f) || c == 0x2028 || c == 0x2029;
}

bool is_noncharacter(utf8proc_int32_t c)
{
    return within(c, 0xfdd0, 0xfdef) || (c & 0xfffe) == 0xfffe;
}

bool turns_direction(utf8proc_int32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || within(c, 0x202a, 0x202e) || within(c, 0x2066, 0x2069);
}

bool is_joiner(utf8proc_int32_t c)
{
    return c == 0x200c || c == 0x200d;
}

// Variation selectors choose a glyph: of emoji and symbols, of Mongolian letters, of ideographs.
bool is_common_selector(utf8proc_int32_t c)
{
    return within(c, 0xfe00, 0xfe0f);
}

bool is_script_selector(utf8proc_int32_t c)
{
    return within(c, 0x180b, 0x180d) || c == 0x180f || within(c, 0xe0100, 0xe01ef);
}

bool is_tag(utf8proc_int32_t c)
{
    return within(c, 0xe0020, 0xe007f);
}

bool is_invisible(utf8proc_int32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x115f || c == 0x1160 || within(c, 0x17b4, 0x17b5) ||
           within(c, 0x180b, 0x180f) || within(c, 0x200b, 0x200d) || within(c, 0x2060, 0x206f) ||
           c == 0x3164 || is_common_selector(c) || c == 0xfeff || c == 0xffa0 || within(c, 0xfff0, 0xfffb) ||
           within(c, 0x1bca0, 0x1bca3) || within(c, 0x1d173, 0x1d17a) || within(c, 0xe0000, 0xe0fff) ||
           c == 0x2800;
}

bool is_blank(utf8proc_int32_t c)
{
    return c == '.' || utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

// Whether the invisible character `c` is needed by a script after the character `before` (-1 at the start).
bool has_its_place(utf8proc_int32_t c, utf8proc_int32_t before)
{
    constexpr utf8proc_int32_t black_flag = 0x1f3f4;
    if (is_common_selector(c)) return before > 0 && !is_invisible(before);
    if (is_tag(c)) return before == black_flag || is_tag(before);
    if (is_joiner(c)) return before > 0x7f && !is_joiner(before);
    if (is_script_selector(c)) return before > 0x7f && !is_invisible(before);
    return c == 0x2800; // the blank Braille cell is a letter of Braille text
}

constexpr char upper(char c)
{
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

} // namespace

std::string_view component_problem(std::string_view name) noexcept
{
    if (name.empty()) return "is empty";
    if (name.size() > max_name_bytes) return "is longer than 255 bytes";
    if (name == "." || name == "..") return "stands for a directory";
    if (name.find('/') != std::string_view::npos) return "holds a path separator";
    if (name.find('\0') != std::string_view::npos) return "holds a NUL";
    return {};
}

std::string_view document_name_problem(std::string_view name) noexcept
{
    if (const std::string_view problem = component_problem(name); !problem.empty()) return problem;
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
    auto left = static_cast<utf8proc_ssize_t>(name.size());
    utf8proc_int32_t before = -1;
    bool visible = false;
    while (left > 0) {
        utf8proc_int32_t c = -1;
        const utf8proc_ssize_t length = utf8proc_iterate(at, left, &c);
        if (length <= 0 || c < 0) return "is not valid UTF-8";
        if (is_control(c)) return "holds a control character";
        if (is_noncharacter(c)) return "holds a noncharacter";
        if (turns_direction(c)) return "holds a character that turns the direction of text";
        if (is_invisible(c) && !has_its_place(c, before)) return "holds an invisible character";
        visible = visible || (!is_blank(c) && !is_invisible(c));
        before = c;
        at += length;
        left -= length;
    }
    if (!visible) return "has nothing visible";
    if (is_staging_name(name)) return "looks like a staging folder";
    return {};
}

bool is_staging_name(std::string_view name) noexcept
{
    const auto equal = [](std::string_view text, std::string_view pattern) {
        return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                          [](char a, char b) { return upper(a) == upper(b); });
    };
    return name.size() >= staging_prefix.size() + staging_suffix.size() &&
           equal(name.substr(0, staging_prefix.size()), staging_prefix) &&
           equal(name.substr(name.size() - staging_suffix.size()), staging_suffix);
}

std::string numbered_name(std::string_view name, unsigned number, bool is_directory)
{
    // A dot at the beginning or the end makes no extension.
    const std::size_t dot = is_directory ? std::string_view::npos : name.rfind('.');
    const bool has_extension = dot != std::string_view::npos && dot != 0 && name.size() - dot > 1 &&
                               name.size() - dot <= longest_extension_bytes;
    std::string_view stem = has_extension ? name.substr(0, dot) : name;
    std::string end = " (" + std::to_string(number) + ")";
    if (has_extension) end += name.substr(dot);
    if (stem.size() + end.size() > max_name_bytes) {
        std::size_t left = max_name_bytes - end.size();
        while (left > 0 && (static_cast<byte>(stem[left]) & 0xc0) == 0x80) --left; // no half of a character
        stem = stem.substr(0, left);
    }
    return std::string(stem) + end;
}

} // namespace parley
