// Views of bytes, fixed-order integers and hexadecimal text: what every room above speaks in.
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

// The bytes of `text`, borrowed.
inline bytes_view as_bytes(std::string_view text) noexcept
{
    return {reinterpret_cast<const byte*>(text.data()), text.size()};
}

// `bytes` read as text, borrowed; no encoding is checked.
inline std::string_view as_text(bytes_view bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Writes `value` as big-endian at `out`, which has room for sizeof(Integer) bytes.
template <class Integer>
constexpr void store_be(byte* out, Integer value) noexcept
{
    for (std::size_t i = sizeof(Integer); i-- > 0;
         value = static_cast<Integer>(sizeof(Integer) > 1 ? value >> 8 : 0))
        out[i] = static_cast<byte>(value);
}

// Reads a big-endian integer at `in`, which holds sizeof(Integer) bytes.
template <class Integer>
constexpr Integer load_be(const byte* in) noexcept
{
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
        value = static_cast<Integer>(sizeof(Integer) > 1 ? (value << 8) | in[i] : in[i]);
    return value;
}

// Lower-case hexadecimal of `bytes`.
std::string to_hex(bytes_view bytes);

// The bytes that `hex` (either case, even length) stands for; empty and `ok` false when it is not
// hexadecimal.
struct hex_result {
    byte_vector bytes;
    bool ok = false;
};
hex_result from_hex(std::string_view hex);

// The value of one hexadecimal digit in either case, or -1.
constexpr int hex_digit(byte c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// `text` made safe to show on a terminal or write in a log: control bytes, quotes, backslashes and anything
// that is not valid UTF-8 (or is an invisible or direction-changing character) becomes \xNN; longer than
// `max_bytes` is cut with "…".
std::string escaped(std::string_view text, std::size_t max_bytes = 512);

} // namespace parley
