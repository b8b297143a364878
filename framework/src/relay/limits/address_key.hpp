// The key of one address: an IPv4 address, or the /64 of an IPv6 address. Private to the framework.
#pragma once

#include <parley/wire/identity.hpp>

#include <cstdint>
#include <optional>

namespace parley::detail {

// The key: the first 64 bits of an IPv6 address, or 0000:ffff: and the 32 bits of an IPv4 address (no IPv6
// network begins so; a v4-mapped address counts as IPv4). nullopt for an identity that is no address.
std::optional<std::uint64_t> address_key(const identity& who) noexcept;

} // namespace parley::detail
