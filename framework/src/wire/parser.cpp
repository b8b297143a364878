#include <parley/wire/parser.hpp>

#include <algorithm>
#include <cstring>

namespace parley {
namespace {

constexpr std::size_t uid_digits = 4;
constexpr byte not_hex = 0xff;

// One entry for every byte, so that checking a digit is one load.
constexpr auto hex_values = [] {
    std::array<byte, 256> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const int digit = hex_digit(static_cast<byte>(i));
        values[i] = digit < 0 ? not_hex : static_cast<byte>(digit);
    }
    return values;
}();

// The shape of a body, in the order of its fields on the wire.
struct shape {
    bool letter = false;   // of a relay_failure
    bool code = false;     // of a spoke_failure
    std::size_t uid = 0;   // number of hexadecimal digits
    std::size_t raw = 0;   // number of bytes of any value
    bool identity = false; // text up to its NUL
};

constexpr std::array<shape, std::variant_size_v<packet_variant>> shapes = {{
    {.raw = public_bytes},                                      // 00 hello_as_a_server
    {},                                                         // 01 hello_as_a_client
    {.identity = true},                                         // 02 server_identity
    {.identity = true},                                         // 03 client_identity
    {.uid = uid_digits, .raw = public_bytes, .identity = true}, // 04 new_server
    {.raw = validator_bytes},                                   // 05 client_validator
    {.raw = point_bytes + validator_bytes},                     // 06 y_and_server_validator
    {.raw = point_bytes, .identity = true},                     // 07 x_and_client_identity
    {},                                                         // 08 agreement
    {.uid = uid_digits},                                        // 09 closed
    {},                                                         // 0a accepted
    {},                                                         // 0b refused
    {.letter = true, .uid = uid_digits},                        // 0c relay_failure
    {.code = true},                                             // 0d spoke_failure
    {},                                                         // 0e done
    {},                                                         // 0f timeout
}};

constexpr std::size_t longest(const shape& s)
{
    return packet_header_bytes + (s.letter ? 1 : 0) + (s.code ? 1 : 0) + s.uid + s.raw +
           (s.identity ? max_identity_bytes + 1 : 0);
}
static_assert(std::all_of(shapes.begin(), shapes.end(),
                          [](const shape& s) { return longest(s) <= max_packet_bytes; }));

enum class verdict { complete, incomplete, broken };

struct scan_result {
    verdict what = verdict::incomplete;
    std::size_t at = 0; // complete: the packet's length; broken: the position of the offending byte
    errc error{};
};

constexpr scan_result broken(std::size_t at, errc error) noexcept
{
    return {verdict::broken, at, error};
}

bool is_relay_failure_letter(byte c) noexcept
{
    return c == 'C' || c == 'S' || c == 'H' || c == 'N';
}

// Judges the packet that begins at data[0]. An earlier call has accepted the first `known` bytes.
scan_result scan(const byte* data, std::size_t size, std::size_t known) noexcept
{
    std::size_t at = 0;
    for (const std::size_t end = std::min(size, uid_digits); at < end; ++at)
        if (hex_values[data[at]] == not_hex) return broken(at, errc::bad_uid_digit);
    for (const std::size_t end = std::min(size, packet_header_bytes); at < end; ++at) {
        if (hex_values[data[at]] == not_hex) return broken(at, errc::bad_type_digit);
        // The first digit decides: every type is below 0x10.
        if (at == uid_digits && data[at] != '0') return broken(at, errc::unknown_packet_type);
    }
    if (size < packet_header_bytes) return {};

    const shape& body = shapes[hex_values[data[packet_header_bytes - 1]]];
    if (body.letter) {
        if (at == size) return {};
        if (!is_relay_failure_letter(data[at])) return broken(at, errc::bad_relay_failure_letter);
        ++at;
    }
    if (body.code) {
        if (at == size) return {};
        if (data[at] > static_cast<byte>(spoke_failure_kind::invalid_secret_packet))
            return broken(at, errc::bad_spoke_failure_code);
        ++at;
    }
    for (const std::size_t end = at + body.uid; at < end; ++at) {
        if (at == size) return {};
        if (hex_values[data[at]] == not_hex) return broken(at, errc::bad_uid_digit);
    }
    if (size - at < body.raw) return {};
    at += body.raw;
    if (!body.identity) return {verdict::complete, at, {}};

    // Search for the NUL only here: the fields before may contain NUL bytes.
    const std::size_t begin = at;
    const std::size_t bound = begin + max_identity_bytes;
    at = std::max(at, known);
    for (const std::size_t end = std::min(size, bound); at < end && identity::is_allowed(data[at]);) ++at;
    if (at == size) return {};
    if (data[at] == 0)
        return at == begin ? broken(at, errc::identity_empty) : scan_result{verdict::complete, at + 1, {}};
    return broken(at, at == bound ? errc::identity_unterminated : errc::identity_bad_character);
}

uid read_uid(const byte* at) noexcept
{
    unsigned value = 0;
    for (std::size_t i = 0; i < uid_digits; ++i) value = value << 4 | hex_values[at[i]];
    return {static_cast<std::uint16_t>(value)};
}

template <std::size_t N>
void read_raw(std::array<byte, N>& out, const byte* at) noexcept
{
    std::memcpy(out.data(), at, N);
}

} // namespace

result<std::optional<message>> packet_parser::parse(bytes_view& input) noexcept
{
    if (error_) return error_;
    if (input.empty()) return std::optional<message>{};

    const std::size_t known = size_;
    const byte* packet = input.data();
    std::size_t size = input.size();
    if (known != 0) {
        // Take as much as the longest packet could still need. The buffer is never full here: a full buffer
        // holds a complete packet.
        size = std::min(input.size(), buffer_.size() - known);
        std::memcpy(buffer_.data() + known, input.data(), size);
        packet = buffer_.data();
        size += known;
    }

    const scan_result found = scan(packet, size, known);
    const std::size_t taken = (found.what == verdict::incomplete ? size : found.at) - known;
    if (found.what == verdict::incomplete) {
        if (known == 0) std::memcpy(buffer_.data(), input.data(), size);
        size_ = static_cast<byte>(size);
    } else {
        size_ = 0;
    }
    offset_ += taken;
    input = input.subspan(taken);
    switch (found.what) {
    case verdict::complete:
        return std::optional<message>{decode(packet, found.at)};
    case verdict::incomplete:
        return std::optional<message>{};
    case verdict::broken:
        break;
    }
    error_ = make_error_code(found.error);
    return error_;
}

message packet_parser::decode(const byte* packet, std::size_t size) noexcept
{
    const byte* const body = packet + packet_header_bytes;
    const auto identity_at = [packet, size](const byte* at) {
        return identity::from_checked(as_text({at, packet + size - 1}));
    };
    message out{read_uid(packet), {}};
    switch (hex_values[packet[packet_header_bytes - 1]]) {
    case 0x00:
        read_raw(out.body.emplace<packet::hello_as_a_server>().public_packet, body);
        break;
    case 0x01:
        out.body.emplace<packet::hello_as_a_client>();
        break;
    case 0x02:
        out.body.emplace<packet::server_identity>(identity_at(body));
        break;
    case 0x03:
        out.body.emplace<packet::client_identity>(identity_at(body));
        break;
    case 0x04: {
        auto& made = out.body.emplace<packet::new_server>();
        made.server = read_uid(body);
        read_raw(made.public_packet, body + uid_digits);
        made.identity = identity_at(body + uid_digits + public_bytes);
        break;
    }
    case 0x05:
        read_raw(out.body.emplace<packet::client_validator>().validator, body);
        break;
    case 0x06: {
        auto& made = out.body.emplace<packet::y_and_server_validator>();
        read_raw(made.y, body);
        read_raw(made.validator, body + point_bytes);
        break;
    }
    case 0x07: {
        auto& made = out.body.emplace<packet::x_and_client_identity>();
        read_raw(made.x, body);
        made.identity = identity_at(body + point_bytes);
        break;
    }
    case 0x08:
        out.body.emplace<packet::agreement>();
        break;
    case 0x09:
        out.body.emplace<packet::closed>(read_uid(body));
        break;
    case 0x0a:
        out.body.emplace<packet::accepted>();
        break;
    case 0x0b:
        out.body.emplace<packet::refused>();
        break;
    case 0x0c:
        out.body.emplace<packet::relay_failure>(static_cast<relay_failure_kind>(body[0]), read_uid(body + 1));
        break;
    case 0x0d:
        out.body.emplace<packet::spoke_failure>(static_cast<spoke_failure_kind>(body[0]));
        break;
    case 0x0e:
        out.body.emplace<packet::done>();
        break;
    default:
        out.body.emplace<packet::timeout>();
        break;
    }
    return out;
}

error_code packet_parser::finish() const noexcept
{
    if (error_) return error_;
    return mid_packet() ? make_error_code(errc::truncated_packet) : error_code{};
}

} // namespace parley
