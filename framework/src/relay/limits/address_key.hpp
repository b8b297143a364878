// The key of an address, and those of the networks around it. Private to the framework.
#pragma once

#include <parley/wire/identity.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace parley::detail {

// The key: the first 64 bits of an IPv6 address, or 0000:ffff: and the 32 bits of an IPv4 address (no IPv6
// network begins so; a v4-mapped address counts as IPv4). nullopt for an identity that is no address.
std::optional<std::uint64_t> address_key(const identity& who) noexcept;

// One rule for every share and every rate: a network may have this many times what one address may have. The
// networks of an IPv6 address are its /64, /56 and /48. An IPv4 address is its only network.
inline constexpr std::array<unsigned, 3> shares_of_network{1, 2, 4};
inline constexpr unsigned network_levels = shares_of_network.size();

constexpr bool is_ipv4_key(std::uint64_t address) noexcept
{
    return address >> 32 == 0xffff;
}

// How many networks an address is in.
constexpr unsigned levels_of(std::uint64_t address) noexcept
{
    return is_ipv4_key(address) ? 1 : network_levels;
}

// The network at that level: 0 is the address itself.
constexpr std::uint64_t network_of(std::uint64_t address, unsigned level) noexcept
{
    constexpr unsigned bits_per_level = 8;
    const unsigned bits = is_ipv4_key(address) ? 0 : bits_per_level * level;
    return address >> bits << bits;
}

// The widest one: a /32 of IPv4, a /48 of IPv6. Whoever has no address is in one network of its own.
constexpr std::uint64_t widest_network(const std::optional<std::uint64_t>& address) noexcept
{
    constexpr std::uint64_t no_network = ~std::uint64_t{0};
    return address ? network_of(*address, network_levels - 1) : no_network;
}

} // namespace parley::detail
