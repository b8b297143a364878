#include <parley/relay/network_set.hpp>

#include <parley/base/bytes.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>

namespace parley {
namespace {

using bytes16 = std::array<unsigned char, 16>;

constexpr unsigned v4_offset_bits = 96;
constexpr std::string_view unix_word = "unix";

bytes16 to_bytes(const asio::ip::address& address) noexcept
{
    if (address.is_v6()) return address.to_v6().to_bytes();
    return asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

bool same_prefix(const bytes16& a, const bytes16& b, unsigned bits) noexcept
{
    const unsigned whole = bits / 8, rest = bits % 8;
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    if (rest == 0) return true;
    const unsigned mask = 0xff00U >> rest & 0xff;
    return (a[whole] & mask) == (b[whole] & mask);
}

bool is_zero_behind(const bytes16& bytes, unsigned bits) noexcept
{
    bytes16 cut{};
    for (unsigned i = 0; i < bits; ++i)
        cut[i / 8] = static_cast<unsigned char>(cut[i / 8] | (bytes[i / 8] & (0x80U >> i % 8)));
    return cut == bytes;
}

} // namespace

result<void> network_set::add(std::string_view text, std::string* why)
{
    const auto fail = [&](const std::string& what) -> result<void> {
        if (why != nullptr) *why = "\"" + escaped(text, 80) + "\" " + what;
        return make_error_code(errc::bad_address);
    };
    if (text == unix_word) {
        unix_ = true;
        return {};
    }
    const std::size_t slash = text.find('/');
    error_code error;
    const auto address = asio::ip::make_address(std::string{text.substr(0, slash)}, error);
    if (error || (address.is_v6() && address.to_v6().scope_id() != 0))
        return fail("is no network: a.b.c.d/N, IPv6/N or unix");
    const unsigned longest = address.is_v4() ? 32 : 128;
    unsigned bits = longest;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (digits.empty() || digits.size() > 3 || read.ec != std::errc{} ||
            read.ptr != digits.data() + digits.size() || bits > longest)
            return fail("has no prefix from 0 to " + std::to_string(longest) + " behind its \"/\"");
    }
    if (address.is_v4()) bits += v4_offset_bits;
    const network added{to_bytes(address), bits};
    if (!is_zero_behind(added.bytes, bits)) return fail("has bits set behind its prefix");
    networks_.push_back(added);
    return {};
}

bool network_set::contains(const asio::ip::address& address) const noexcept
{
    const bytes16 bytes = to_bytes(address);
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const network& each) { return same_prefix(each.bytes, bytes, each.prefix_bits); });
}

std::vector<std::string> network_set::texts() const
{
    std::vector<std::string> out;
    for (const network& each : networks_) {
        const asio::ip::address_v6 address{each.bytes};
        const bool v4 = address.is_v4_mapped() && each.prefix_bits >= v4_offset_bits;
        const std::string text =
            v4 ? asio::ip::make_address_v4(asio::ip::v4_mapped, address).to_string() : address.to_string();
        out.push_back(text + "/" + std::to_string(each.prefix_bits - (v4 ? v4_offset_bits : 0)));
    }
    if (unix_) out.emplace_back(unix_word);
    return out;
}

} // namespace parley
