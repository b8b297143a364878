// Whose request an HTTP proxy says that it brings. Private to the framework.
//
//     Forwarded: for=192.0.2.1, for="[2001:db8::1]:4711";proto=https;by=10.0.0.1        (RFC 7239)
//     X-Forwarded-For: 192.0.2.1, 10.0.0.2        each may have a port: 192.0.2.1:4711, [2001:db8::1]:4711
//     X-Real-IP: 192.0.2.1                        X-Real-Port: 4711
//
// Each proxy adds itself's client at the right end, so that a list is read from there, over the proxies that
// are trusted, to the first that is not: what stands to the left of that one is its own claim, and is not
// looked at.
//
// A proxy sets one of the headers and may let a client's own others pass. So all that are there have to agree
// on the client; X-Real-IP may also name one of the trusted proxies.
#pragma once

#include <parley/relay/network_set.hpp>
#include <parley/transport/websocket.hpp>

#include <optional>

namespace parley::detail {

struct forwarded_client {
    enum class kind : byte {
        none,     // no header says anything: the connection's own address
        known,    // `client` is it; its port is 0 where none was given
        withheld, // the proxy has said that it does not say (RFC 7239: "unknown", "_token")
        broken,   // what a trusted proxy has said cannot be read, or contradicts itself
    };
    kind what = kind::none;
    tcp_endpoint client;
};

// `trusted` are the networks whose proxies are believed; that the request came from one of them is known.
forwarded_client forwarded_for(const http_request& request, const network_set& trusted);

} // namespace parley::detail
