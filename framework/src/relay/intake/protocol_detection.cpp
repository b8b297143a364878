#include "relay/intake/protocol_detection.hpp"

#include <algorithm>

namespace parley::detail {
namespace {

using namespace std::string_view_literals;

struct opening {
    std::string_view bytes;
    detected_protocol what;
};

constexpr std::array openings{
    opening{"\x16\x03"sv, detected_protocol::tls},
    opening{"\r\n\r\n\0\r\nQUIT\n"sv, detected_protocol::proxy_v2},
    opening{"PROXY "sv, detected_protocol::proxy_v1},
    opening{"GET "sv, detected_protocol::http},
    opening{"HEAD "sv, detected_protocol::http},
    opening{"POST "sv, detected_protocol::http},
    opening{"PUT "sv, detected_protocol::http},
    opening{"DELETE "sv, detected_protocol::http},
    opening{"CONNECT "sv, detected_protocol::http},
    opening{"OPTIONS "sv, detected_protocol::http},
    opening{"TRACE "sv, detected_protocol::http},
    opening{"PATCH "sv, detected_protocol::http},
    opening{"PRI * "sv, detected_protocol::http}, // HTTP/2, which the relay does not serve
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

detected_protocol detect_on_handshake_channel(std::string_view text) noexcept
{
    if (text.starts_with('[')) return detected_protocol::room;
    if (text.starts_with(unix_opening)) return detected_protocol::room;
    if (unix_opening.starts_with(text)) return detected_protocol::more_needed;
    const std::size_t digits = hex_digits(text, uid_digits);
    if (digits < text.size())
        return text[digits] == '.' || text[digits] == ':' ? detected_protocol::room
                                                          : detected_protocol::handshake;
    return detected_protocol::more_needed;
}

detected_protocol detect_on_room_channel(std::string_view text) noexcept
{
    const std::string_view uid = text.substr(0, uid_digits);
    if (hex_digits(text, hello_digits) < std::min(text.size(), hello_digits) ||
        uid.find_first_not_of('0') != std::string_view::npos)
        return detected_protocol::room;
    return text.size() < hello_digits ? detected_protocol::more_needed : detected_protocol::handshake;
}

} // namespace

detected_protocol detect_protocol(bytes_view so_far, relay_channel channel) noexcept
{
    const std::string_view text = as_text(so_far.first(std::min(so_far.size(), max_first_bytes)));
    bool undecided = text.empty();
    for (const opening& each : openings) {
        if (text.starts_with(each.bytes)) return each.what;
        undecided = undecided || each.bytes.starts_with(text);
    }
    const detected_protocol protocol = channel == relay_channel::handshake ? detect_on_handshake_channel(text)
                                                                           : detect_on_room_channel(text);
    return undecided ? detected_protocol::more_needed : protocol;
}

} // namespace parley::detail
