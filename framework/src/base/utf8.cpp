#include <parley/base/utf8.hpp>

#include <parley/base/bytes.hpp>

namespace parley {

utf8_character decode_utf8(std::string_view text) noexcept
{
    if (text.empty()) return {};
    const auto lead = static_cast<byte>(text[0]);
    if (lead < 0x80) return {1, lead};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    auto point = static_cast<char32_t>(lead & (0xff >> (length + 1)));
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<byte>(text[i]);
        if ((next & 0xc0) != 0x80) return {};
        point = (point << 6) | (next & 0x3f);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {};
    return {length, point};
}

bool is_valid_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        const std::size_t length = decode_utf8(text).length;
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace parley
