// Networks of IP addresses. A v4-mapped IPv6 address (::ffff:a.b.c.d) counts as its IPv4 address everywhere.
#pragma once

#include <parley/async/awaitable.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <string>

namespace parley {

// `address`, or the IPv4 address that it maps.
asio::ip::address unmapped(const asio::ip::address& address) noexcept;

// Const members are thread-safe.
class ip_network {
public:
    // The network of `address` with a prefix of at most 32 bits for IPv4 and 128 for IPv6. Ignores the bits
    // behind the prefix, and the zone.
    ip_network(const asio::ip::address& address, unsigned prefix_bits);

    bool contains(const asio::ip::address& address) const noexcept;
    // The first address.
    asio::ip::address address() const noexcept;
    // "a.b.c.d/N" or "IPv6/N".
    std::string text() const;

private:
    asio::ip::network_v6 network_; // canonical; IPv4 as v4-mapped
};

} // namespace parley
