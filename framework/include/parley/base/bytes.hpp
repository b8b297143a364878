// Views of bytes, big-endian integers and hexadecimal text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

using byte = std::uint8_t;
using bytes_view = std::span<const byte>;
using mutable_bytes = std::span<byte>;
using byte_vector = std::vector<byte>;

// Views `text` as bytes. The view borrows `text`.
inline bytes_view as_bytes(std::string_view text) noexcept
{
    return {reinterpret_cast<const byte*>(text.data()), text.size()};
}

// Views `bytes` as text. The view borrows `bytes`. No encoding is checked.
inline std::string_view as_text(bytes_view bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Writes `value` as big-endian at `out`, which must have room for sizeof(Integer) bytes.
template <class Integer>
constexpr void store_be(byte* out, Integer value) noexcept
{
    for (std::size_t i = sizeof(Integer); i-- > 0;
         value = static_cast<Integer>(sizeof(Integer) > 1 ? value >> 8 : 0))
        out[i] = static_cast<byte>(value);
}

// Reads a big-endian integer at `in`, which must hold sizeof(Integer) bytes.
template <class Integer>
constexpr Integer load_be(const byte* in) noexcept
{
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
        value = static_cast<Integer>(sizeof(Integer) > 1 ? (value << 8) | in[i] : in[i]);
    return value;
}

// Writes `bytes` in lower-case hexadecimal.
std::string to_hex(bytes_view bytes);

// Reads hexadecimal in either case and of even length. Anything else gives no bytes, and `ok` is false.
struct hex_result {
    byte_vector bytes;
    bool ok = false;
};
hex_result from_hex(std::string_view hex);

// The value of one hexadecimal digit (either case), or -1.
constexpr int hex_digit(byte c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Makes `text` safe for a terminal or a log. Writes \xNN for each byte of a control character, a quote, a
// backslash, an invisible or direction-changing character, and of anything that is not valid UTF-8. Ends with
// "…" once the result has `max_bytes` bytes and `text` has more.
std::string escaped(std::string_view text, std::size_t max_bytes = 512);

// A number of bytes for people: "0 B", "999 B", "1.0 KiB", "3.4 GiB". At most four digits.
std::string format_bytes(std::uint64_t bytes);

} // namespace parley
