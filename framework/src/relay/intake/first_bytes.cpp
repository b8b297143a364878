#include "relay/intake/first_bytes.hpp"

#include <algorithm>

namespace parley::detail {
namespace {

using namespace std::string_view_literals;

struct opening {
    std::string_view bytes;
    first_bytes what;
};

constexpr std::array openings{
    opening{"\x16\x03"sv, first_bytes::tls},    opening{"\r\n\r\n\0\r\nQUIT\n"sv, first_bytes::proxy_v2},
    opening{"PROXY "sv, first_bytes::proxy_v1}, opening{"GET "sv, first_bytes::http},
    opening{"HEAD "sv, first_bytes::http},      opening{"POST "sv, first_bytes::http},
    opening{"PUT "sv, first_bytes::http},       opening{"DELETE "sv, first_bytes::http},
    opening{"CONNECT "sv, first_bytes::http},   opening{"OPTIONS "sv, first_bytes::http},
    opening{"TRACE "sv, first_bytes::http},     opening{"PATCH "sv, first_bytes::http},
    opening{"PRI * "sv, first_bytes::http}, // HTTP/2, which is answered in HTTP that it is not spoken
};

constexpr std::string_view unix_opening = "unix-";
constexpr std::size_t uid_digits = 4, hello_digits = 6;

constexpr bool is_hex(char c) noexcept
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t hex_digits(std::string_view text, std::size_t most) noexcept
{
    std::size_t count = 0;
    while (count < std::min(text.size(), most) && is_hex(text[count])) ++count;
    return count;
}

first_bytes on_handshake_door(std::string_view text) noexcept
{
    if (text.starts_with('[')) return first_bytes::room;
    if (text.starts_with(unix_opening)) return first_bytes::room;
    if (unix_opening.starts_with(text)) return first_bytes::more_needed;
    const std::size_t digits = hex_digits(text, uid_digits);
    if (digits < text.size())
        return text[digits] == '.' || text[digits] == ':' ? first_bytes::room : first_bytes::handshake;
    return first_bytes::more_needed;
}

first_bytes on_room_door(std::string_view text) noexcept
{
    const std::string_view uid = text.substr(0, uid_digits);
    if (hex_digits(text, hello_digits) < std::min(text.size(), hello_digits) ||
        uid.find_first_not_of('0') != std::string_view::npos)
        return first_bytes::room;
    return text.size() < hello_digits ? first_bytes::more_needed : first_bytes::handshake;
}

} // namespace

first_bytes recognise(bytes_view so_far, relay_door door) noexcept
{
    const std::string_view text = as_text(so_far.first(std::min(so_far.size(), max_first_bytes)));
    bool undecided = text.empty();
    for (const opening& each : openings) {
        if (text.starts_with(each.bytes)) return each.what;
        undecided = undecided || each.bytes.starts_with(text);
    }
    const first_bytes protocol = door == relay_door::handshake ? on_handshake_door(text) : on_room_door(text);
    return undecided ? first_bytes::more_needed : protocol;
}

} // namespace parley::detail
