// The two address texts that users type: of a relay to connect to, and of an address to listen on.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley {

// A relay as a peer names it:
//
//     [scheme://]host[:port[,room_port]]          host = name | a.b.c.d | [v6]
//
// The scheme chooses the transport (transport/transport.hpp); without one it is "tcp". A transport with a
// single URL also takes a path: ws://host/path. A local transport takes only a path: unix:/path, with rooms
// at /path.room.
struct relay_address {
    relay_address() = default;
    relay_address(std::string relay_scheme, std::string relay_host, std::uint16_t handshake_port,
                  std::uint16_t port_of_rooms, std::string url_path = {})
        : scheme(std::move(relay_scheme)),
          host(std::move(relay_host)),
          port(handshake_port),
          room_port(port_of_rooms),
          path(std::move(url_path))
    {
    }

    std::string scheme;          // lower case
    std::string host;            // a name or an address, without brackets
    std::uint16_t port = 0;      // of the handshake channel
    std::uint16_t room_port = 0; // of the room channel; equal to `port` when the transport has one port
    std::string path;            // starts with '/', or is empty

    // Reads `text` strictly: no spaces, no user, ports 1..65535, a host of letters, digits, '-', '.' and '_'.
    // Errors: bad_address, unknown_transport; `diag` says what is wrong, and where.
    static result<relay_address> parse(std::string_view text, diagnostics* diag = nullptr);

    // The text that parse() reads back.
    std::string text() const;
    bool operator==(const relay_address&) const = default;
};

// An address that a relay listens on:
//
//     [scheme://]addr:port[/path]   addr = a.b.c.d | [v6] | * | nothing (as *)
//     unix:/path
//
// "*" is every address of both IP families; "0.0.0.0" and "[::]" are one family each. With port 0 the system
// picks a free port. Transports with a single URL take a path; without one, or with "/", they serve every
// path.
struct listen_address {
    listen_address() = default;
    listen_address(std::string listen_scheme, std::string listen_host, std::uint16_t listen_port,
                   std::string url_path = {})
        : scheme(std::move(listen_scheme)),
          host(std::move(listen_host)),
          port(listen_port),
          path(std::move(url_path))
    {
    }

    std::string scheme; // lower case
    std::string host;   // an address without brackets, or "*"
    std::uint16_t port = 0;
    std::string path;

    // Reads `text` strictly. Errors: bad_address, unknown_transport; `diag` as above.
    static result<listen_address> parse(std::string_view text, diagnostics* diag = nullptr);

    // The socket addresses to bind: two for "*" (IPv6 first), else one.
    std::vector<tcp_endpoint> endpoints() const;
    std::string text() const;
    bool operator==(const listen_address&) const = default;
};

// "a.b.c.d:port" or "[addr]:port", with the zone of a link-local address; a v4-mapped address as IPv4.
std::string to_text(const tcp_endpoint& endpoint);

} // namespace parley
