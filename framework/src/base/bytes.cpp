#include <parley/base/bytes.hpp>

#include <parley/base/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace parley {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

struct range {
    char32_t first;
    char32_t last;
};

// Characters that a terminal does not show, and characters that reorder the text around them: controls,
// fillers, joiners, direction marks, variation selectors, line separators, tags.
constexpr range deceptive[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x2800, 0x2800}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool is_deceptive(char32_t c)
{
    return std::any_of(std::begin(deceptive), std::end(deceptive),
                       [c](const range& r) { return c >= r.first && c <= r.last; });
}

} // namespace

std::string to_hex(bytes_view bytes)
{
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const byte b : bytes) {
        out += hex_digits[b >> 4];
        out += hex_digits[b & 15];
    }
    return out;
}

hex_result from_hex(std::string_view hex)
{
    hex_result out;
    if (hex.size() % 2 != 0) return out;
    out.bytes.reserve(hex.size() / 2);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = hex_digit(static_cast<byte>(hex[i]));
        const int low = hex_digit(static_cast<byte>(hex[i + 1]));
        if (high < 0 || low < 0) {
            out.bytes.clear();
            return out;
        }
        out.bytes.push_back(static_cast<byte>(high << 4 | low));
    }
    out.ok = true;
    return out;
}

std::string escaped(std::string_view text, std::size_t max_bytes)
{
    std::string out;
    while (!text.empty()) {
        if (out.size() >= max_bytes) {
            out += "…";
            break;
        }
        const utf8_character character = decode_utf8(text);
        const std::size_t length = character.length == 0 ? 1 : character.length;
        const bool plain = character.length != 0 && !is_deceptive(character.code_point) &&
                           character.code_point != '"' && character.code_point != '\\';
        if (plain) {
            out += text.substr(0, length);
        } else {
            for (const byte b : as_bytes(text.substr(0, length))) {
                out += "\\x";
                out += hex_digits[b >> 4];
                out += hex_digits[b & 15];
            }
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string format_bytes(std::uint64_t bytes)
{
    if (bytes < 1024) return std::to_string(bytes) + " B";
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes) / 1024.0;
    std::size_t unit = 0;
    // 1023.95 would be rounded to 1024.0.
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024.0;
        ++unit;
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
    return text.data();
}

} // namespace parley
