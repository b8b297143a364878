#include "relay/intake/proxy_header.hpp"

#include "relay/intake/protocol_detection.hpp"
#include "relay/intake/read_port.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

using outcome = result<std::optional<proxy_header>>;

constexpr std::string_view v1_name = "PROXY ";
constexpr std::size_t v4_addresses_bytes = 12, v6_addresses_bytes = 36, unix_addresses_bytes = 216;

outcome bad()
{
    return make_error_code(errc::bad_framing);
}

// Takes the next word of a line. One space separates two words.
std::string_view take_word(std::string_view& line) noexcept
{
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

// The header does not allow leading zeros.
std::optional<std::uint16_t> read_plain_port(std::string_view word) noexcept
{
    if (word.size() > 1 && word[0] == '0') return std::nullopt;
    return read_port(word);
}

std::optional<asio::ip::address> read_address(std::string_view word, bool v6)
{
    error_code error;
    const std::string text{word};
    asio::ip::address out;
    if (v6)
        out = asio::ip::make_address_v6(text, error);
    else
        out = asio::ip::make_address_v4(text, error);
    if (error || text.find('%') != std::string::npos) return std::nullopt;
    return out;
}

outcome parse_v1(std::string_view text)
{
    const std::size_t end = text.substr(0, max_proxy_v1_bytes).find('\n');
    if (end == std::string_view::npos) {
        if (text.size() >= max_proxy_v1_bytes) return bad();
        return std::optional<proxy_header>{};
    }
    if (text[end - 1] != '\r') return bad();
    std::string_view line = text.substr(0, end - 1);
    line.remove_prefix(v1_name.size());
    proxy_header out;
    out.size = end + 1;
    const std::string_view family = take_word(line);
    if (family == "UNKNOWN") return std::optional{out};
    if (family != "TCP4" && family != "TCP6") return bad();
    const bool v6 = family == "TCP6";
    const auto from = read_address(take_word(line), v6);
    const auto to = read_address(take_word(line), v6);
    const auto from_port = read_plain_port(take_word(line));
    const auto to_port = read_plain_port(line); // the last word of the line
    if (!from || !to || !from_port || !to_port) return bad();
    out.client.emplace(*from, *from_port);
    return std::optional{out};
}

std::uint16_t u16be(bytes_view bytes) noexcept
{
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

template <class Address>
tcp_endpoint read_endpoint(bytes_view addresses)
{
    typename Address::bytes_type from;
    std::copy_n(addresses.begin(), from.size(), from.begin());
    return {Address{from}, u16be(addresses.subspan(2 * from.size()))};
}

outcome parse_v2(bytes_view bytes)
{
    if (bytes.size() > 12 && bytes[12] >> 4 != 2) return bad();
    if (bytes.size() < proxy_v2_fixed_bytes) return std::optional<proxy_header>{};
    const unsigned command = bytes[12] & 15, family = bytes[13] >> 4, protocol = bytes[13] & 15;
    const std::size_t length = u16be(bytes.subspan(14));
    if (command > 1 || family > 3 || protocol > 2 || length > max_proxy_v2_payload_bytes) return bad();
    if (bytes.size() < proxy_v2_fixed_bytes + length) return std::optional<proxy_header>{};
    proxy_header out;
    out.size = proxy_v2_fixed_bytes + length;
    // LOCAL is valid in any family, and an unspecified family with any protocol.
    if (command == 0 || family == 0) return std::optional{out};
    if (protocol != 1) return bad();
    const bytes_view payload = bytes.subspan(proxy_v2_fixed_bytes, length);
    constexpr std::array<std::size_t, 4> least{0, v4_addresses_bytes, v6_addresses_bytes,
                                               unix_addresses_bytes};
    if (payload.size() < least[family]) return bad();
    if (family == 1) out.client = read_endpoint<asio::ip::address_v4>(payload);
    if (family == 2) out.client = read_endpoint<asio::ip::address_v6>(payload);
    return std::optional{out};
}

} // namespace

result<std::optional<proxy_header>> parse_proxy_header(bytes_view so_far)
{
    switch (detect_protocol(so_far, relay_channel::handshake)) {
    case detected_protocol::proxy_v1:
        return parse_v1(as_text(so_far));
    case detected_protocol::proxy_v2:
        return parse_v2(so_far);
    case detected_protocol::more_needed:
        return std::optional<proxy_header>{};
    default:
        return bad();
    }
}

} // namespace parley::detail
