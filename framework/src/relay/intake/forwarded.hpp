// The client of an HTTP request, as the headers of trusted proxies name it. Private to the framework.
//
//     Forwarded: for=192.0.2.1, for="[2001:db8::1]:4711";proto=https;by=10.0.0.1        (RFC 7239)
//     X-Forwarded-For: 192.0.2.1, 10.0.0.2        each may have a port: 192.0.2.1:4711, [2001:db8::1]:4711
//     X-Real-IP: 192.0.2.1                        X-Real-Port: 4711
//
// Each proxy appends its own client at the right end of the list. So the list is read from the right, past
// every trusted proxy. The first address that is not trusted is the client. Anything to the left of it is the
// client's own claim and is ignored.
//
// A proxy sets one of the headers and may pass a client's own others. So all headers of a request have to
// agree on the client; X-Real-IP may also name one of the trusted proxies.
#pragma once

#include <parley/relay/network_set.hpp>
#include <parley/transport/websocket.hpp>

#include <optional>

namespace parley::detail {

struct forwarded_client {
    enum class kind : byte {
        none,     // no header names a client: use the connection's own address
        known,    // `client`; its port is 0 when the header has none
        withheld, // the proxy hides the client (RFC 7239: "unknown", "_token")
        broken,   // a trusted proxy's header is malformed, or two of them disagree
    };
    kind what = kind::none;
    tcp_endpoint client;
};

// `trusted`: the networks of trusted proxies. The caller has checked that the request came from one of them.
forwarded_client forwarded_for(const http_request& request, const network_set& trusted);

} // namespace parley::detail
