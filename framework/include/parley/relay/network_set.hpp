// A list of networks, as configuration names them: whose word about a peer's address is taken.
#pragma once

#include <parley/base/result.hpp>
#include <parley/transport/ip_network.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace parley {

// IPv4 and IPv6 networks, and perhaps the Unix sockets of this machine. A v4-mapped IPv6 address
// (::ffff:a.b.c.d) is its IPv4 address, in the set and in what is asked. Empty at first: contains nothing.
// Reading it is thread-safe.
class network_set {
public:
    // Adds a.b.c.d, a.b.c.d/0..32, an IPv6 address, one with /0..128, or the word "unix". Bits behind the
    // prefix must be zero, so that a slip of the finger is told. Errors: bad_address; `why` says what is
    // wrong.
    result<void> add(std::string_view text, std::string* why = nullptr);

    bool contains(const asio::ip::address& address) const noexcept;
    bool contains_unix() const noexcept { return unix_; }
    bool empty() const noexcept { return networks_.empty() && !unix_; }
    // One text for each network, as add() takes it, in order.
    std::vector<std::string> texts() const;

private:
    std::vector<ip_network> networks_;
    bool unix_ = false;
};

} // namespace parley
