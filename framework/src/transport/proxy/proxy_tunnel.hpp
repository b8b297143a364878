// Connects through a proxy. Private to the framework.
#pragma once

#include <parley/transport/transport.hpp>

namespace parley::detail {

// Connects to the request's relay through options.proxy, which must not be null, within options.timeout. It
// resolves the proxy (unless request.exact is its address), connects to it, and asks it for the relay's host
// by name. The stream is the plain connection to the proxy; it has read nothing beyond the proxy's answer.
// Errors: proxy_not_resolved, proxy_unreachable, proxy_failed, proxy_refused_credentials,
// proxy_refused_destination, proxy_cannot_connect, each with the proxy in `detail`; timed_out, cancelled.
awaitable<connect_outcome> connect_through_proxy(connect_request request);

} // namespace parley::detail
