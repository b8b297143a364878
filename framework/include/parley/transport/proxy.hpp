// Connections through a proxy: HTTP CONNECT (RFC 9110 section 9.3.6, with Basic credentials) and SOCKS 5 (RFC
// 1928, with the user name and password of RFC 1929).
//
// The proxy resolves the relay's name; this side resolves only the proxy's. Every transport over TCP can use
// a proxy; TLS and WebSocket run inside the tunnel.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>
#include <parley/base/secret.hpp>
#include <parley/transport/address.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley {

enum class proxy_kind : byte { http, socks5 };

// A proxy and its credentials. Movable. The destructor wipes the password.
struct proxy_settings {
    proxy_kind kind = proxy_kind::http;
    std::string host; // a name or an address, without brackets
    std::uint16_t port = 0;
    std::string user; // empty: send no credentials
    secret_bytes password;

    // Reads
    //
    //     [http://|socks5://|socks5h://|socks://][user[:password]@]host[:port][/]
    //
    // with %XX for characters that a user or password cannot contain directly. All three SOCKS names mean the
    // same here. The default port is 80 for http, which is also the default scheme, and 1080 for SOCKS.
    // Errors: bad_address; `diag` says what is wrong, without any part of the credentials.
    static result<proxy_settings> parse(std::string_view text, diagnostics* diag = nullptr);

    // Replaces the credentials by "user:password", without decoding. Errors: bad_address.
    error_code set_credentials(std::string_view text, diagnostics* diag = nullptr);

    // The text that parse() reads back, without the credentials: they are never printed.
    std::string text() const;
};

// A proxy that many connections share; null means none.
using proxy_pointer = std::shared_ptr<const proxy_settings>;

// The value of an environment variable, or null.
using environment_lookup = std::function<const char*(const char* name)>;

// The proxy that the usual environment variables name for a relay, or null:
//
//   transport | variables, the first that is set and not empty
//   tls, wss  | https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY
//   ws        | http_proxy, HTTP_PROXY (not where REQUEST_METHOD is set, since a CGI's client sets that one),
//             | all_proxy, ALL_PROXY
//   others    | all_proxy, ALL_PROXY
//
// Null for a relay that no_proxy, or else NO_PROXY, contains (is_proxy_exempt), and for a transport without
// network. Errors: bad_address; `diag` names the variable, without its value.
result<proxy_pointer> proxy_from_environment(const relay_address& relay, const environment_lookup& variable,
                                             diagnostics* diag = nullptr);

// Whether `list` contains `host` with `port`. Commas or spaces separate the entries:
//
//   *                       everything
//   example.org             that host and all below it; so do .example.org and *.example.org
//   192.0.2.1, 2001:db8::1  that address, if the relay is given by address
//   192.0.2.0/24            all addresses of that network, the same
//   ENTRY:port              one of the above with that port only; an IPv6 address stands in brackets then
//
// Ignores case. Skips malformed entries.
bool is_proxy_exempt(std::string_view list, std::string_view host, std::uint16_t port);

} // namespace parley
