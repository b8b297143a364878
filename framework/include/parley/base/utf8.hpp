// UTF-8 (RFC 3629), decoded strictly: the shortest form only, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace parley {

struct utf8_character {
    std::size_t length = 0; // in bytes, 1 to 4; 0 when the text does not begin with a valid character
    char32_t code_point = 0;
};

// The first character of `text`. An empty text has none.
utf8_character decode_utf8(std::string_view text) noexcept;

// Whether all of `text` is UTF-8.
bool is_valid_utf8(std::string_view text) noexcept;

} // namespace parley
