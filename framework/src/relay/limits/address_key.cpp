#include "relay/limits/address_key.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace parley::detail {
namespace {

std::uint64_t big_endian(std::span<const unsigned char> bytes) noexcept
{
    std::uint64_t out = 0;
    for (const unsigned char b : bytes) out = out << 8 | b;
    return out;
}

constexpr std::uint64_t v4_mark = 0x0000'ffff'0000'0000;

} // namespace

std::optional<std::uint64_t> address_key(const identity& who) noexcept
{
    const std::string_view address = who.address();
    std::array<char, max_identity_bytes + 1> text{};
    std::copy(address.begin(), address.end(), text.begin());

    std::array<unsigned char, 4> v4{};
    if (::inet_pton(AF_INET, text.data(), v4.data()) == 1) return v4_mark | big_endian(v4);
    std::array<unsigned char, 16> v6{};
    if (::inet_pton(AF_INET6, text.data(), v6.data()) != 1) return std::nullopt;
    const std::span all{v6};
    const std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), v6.begin())) return v4_mark | big_endian(all.last(4));
    return big_endian(all.first(8));
}

} // namespace parley::detail
