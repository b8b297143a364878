#include "relay/limits/address_key.hpp"

#include <parley/base/bytes.hpp>
#include <parley/transport/ip_network.hpp>

#include <algorithm>
#include <array>

namespace parley::detail {

std::optional<std::uint64_t> address_key(const identity& who) noexcept
{
    constexpr std::uint64_t v4_mark = 0x0000'ffff'0000'0000;
    const std::string_view text = who.address();
    if (text.find('%') != std::string_view::npos) return std::nullopt; // a zone needs a look-up
    std::array<char, max_identity_bytes + 1> terminated{};
    std::copy(text.begin(), text.end(), terminated.begin());
    error_code error;
    const auto address = unmapped(asio::ip::make_address(terminated.data(), error));
    if (error) return std::nullopt;
    if (address.is_v4()) return v4_mark | address.to_v4().to_uint();
    return load_be<std::uint64_t>(address.to_v6().to_bytes().data());
}

} // namespace parley::detail
