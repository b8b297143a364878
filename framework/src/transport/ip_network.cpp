#include <parley/transport/ip_network.hpp>

namespace parley {
namespace {

constexpr unsigned mapped_prefix_bits = 96; // of ::ffff:0:0

// `address` without its zone; IPv4 as v4-mapped.
asio::ip::address_v6 as_v6(const asio::ip::address& address) noexcept
{
    if (address.is_v4()) return asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4());
    return asio::ip::address_v6{address.to_v6().to_bytes()};
}

asio::ip::network_v6 make_network(const asio::ip::address_v6& address, unsigned prefix_bits)
{
    return asio::ip::network_v6{address, static_cast<unsigned short>(prefix_bits)}.canonical();
}

} // namespace

asio::ip::address unmapped(const asio::ip::address& address) noexcept
{
    if (address.is_v4() || !address.to_v6().is_v4_mapped()) return address;
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

ip_network::ip_network(const asio::ip::address& address, unsigned prefix_bits)
    : network_(make_network(as_v6(address), prefix_bits + (address.is_v4() ? mapped_prefix_bits : 0)))
{
}

bool ip_network::contains(const asio::ip::address& address) const noexcept
{
    return make_network(as_v6(address), network_.prefix_length()) == network_;
}

asio::ip::address ip_network::address() const noexcept
{
    return unmapped(network_.address());
}

std::string ip_network::text() const
{
    const unsigned bits = network_.prefix_length();
    const bool v4 = network_.address().is_v4_mapped() && bits >= mapped_prefix_bits;
    const std::string first = v4 ? address().to_string() : network_.address().to_string();
    return first + "/" + std::to_string(v4 ? bits - mapped_prefix_bits : bits);
}

} // namespace parley
