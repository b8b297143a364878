#include <parley/base/safe_name.hpp>

#include <parley/base/bytes.hpp>
#include <parley/base/utf8.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::size_t longest_extension_bytes = 16; // with its dot

// No character: what stands before the first one.
constexpr char32_t none = 0xffffffff;

constexpr bool within(char32_t c, char32_t first, char32_t last)
{
    return c >= first && c <= last;
}

bool is_control(char32_t c)
{
    return c < 0x20 || within(c, 0x7f, 0x9f);
}

bool is_separator(char32_t c)
{
    return c == 0x2028 || c == 0x2029;
}

bool is_noncharacter(char32_t c)
{
    return within(c, 0xfdd0, 0xfdef) || (c & 0xfffe) == 0xfffe;
}

bool turns_direction(char32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || within(c, 0x202a, 0x202e) || within(c, 0x2066, 0x2069);
}

bool is_joiner(char32_t c)
{
    return c == 0x200c || c == 0x200d;
}

// Variation selectors choose a glyph: of emoji and symbols, of Mongolian letters, of ideographs.
bool is_common_selector(char32_t c)
{
    return within(c, 0xfe00, 0xfe0f);
}

bool is_script_selector(char32_t c)
{
    return within(c, 0x180b, 0x180d) || c == 0x180f || within(c, 0xe0100, 0xe01ef);
}

bool is_tag(char32_t c)
{
    return within(c, 0xe0020, 0xe007f);
}

bool is_invisible(char32_t c)
{
    return c == 0xad || c == 0x34f || c == 0x115f || c == 0x1160 || within(c, 0x17b4, 0x17b5) ||
           within(c, 0x180b, 0x180f) || within(c, 0x200b, 0x200d) || within(c, 0x2060, 0x206f) ||
           c == 0x3164 || is_common_selector(c) || c == 0xfeff || c == 0xffa0 || within(c, 0xfff0, 0xfffb) ||
           within(c, 0x1bca0, 0x1bca3) || within(c, 0x1d173, 0x1d17a) || within(c, 0xe0000, 0xe0fff) ||
           c == 0x2800;
}

// A dot, or a space of Unicode's category Zs.
bool is_blank(char32_t c)
{
    return c == '.' || c == ' ' || c == 0xa0 || c == 0x1680 || within(c, 0x2000, 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

// Whether the invisible character `c` is needed by a script after the character `before`.
bool has_its_place(char32_t c, char32_t before)
{
    constexpr char32_t black_flag = 0x1f3f4;
    if (before == none) return c == 0x2800;
    if (is_common_selector(c)) return !is_invisible(before);
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

std::string_view entry_name_problem(std::string_view name) noexcept
{
    if (const std::string_view problem = component_problem(name); !problem.empty()) return problem;
    while (!name.empty()) {
        const auto [length, c] = decode_utf8(name);
        if (length == 0) return "is not valid UTF-8";
        if (is_control(c)) return "holds a control character";
        name.remove_prefix(length);
    }
    return {};
}

std::string_view document_name_problem(std::string_view name) noexcept
{
    if (const std::string_view problem = component_problem(name); !problem.empty()) return problem;
    char32_t before = none;
    bool visible = false;
    for (std::string_view left = name; !left.empty();) {
        const auto [length, c] = decode_utf8(left);
        if (length == 0) return "is not valid UTF-8";
        if (is_control(c) || is_separator(c)) return "holds a control character";
        if (is_noncharacter(c)) return "holds a noncharacter";
        if (turns_direction(c)) return "holds a character that turns the direction of text";
        if (is_invisible(c) && !has_its_place(c, before)) return "holds an invisible character";
        visible = visible || (!is_blank(c) && !is_invisible(c));
        before = c;
        left.remove_prefix(length);
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
