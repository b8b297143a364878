// A list of networks, as a configuration names them: the proxies that a relay trusts.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>
#include <parley/transport/ip_network.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace parley {

// A set of IPv4 and IPv6 networks. It may also contain the Unix sockets of this machine. A v4-mapped IPv6
// address (::ffff:a.b.c.d) counts as its IPv4 address, in add() and in contains(). A new set is empty. Const
// members are thread-safe.
class network_set {
public:
    // Adds a.b.c.d, a.b.c.d/0..32, an IPv6 address, an IPv6 address with /0..128, or the word "unix". The
    // bits behind the prefix must be zero, so a typing error is an error. Errors: bad_address; `diag` then
    // says what is wrong.
    result<void> add(std::string_view text, diagnostics* diag = nullptr);

    bool contains(const asio::ip::address& address) const noexcept;
    bool contains_unix() const noexcept { return unix_; }
    bool empty() const noexcept { return networks_.empty() && !unix_; }
    // One text for each network, in the form that add() takes and in the order of the calls; "unix" comes
    // last.
    std::vector<std::string> texts() const;

private:
    std::vector<ip_network> networks_;
    bool unix_ = false;
};

} // namespace parley
