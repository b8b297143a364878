// The look-up that every transport over TCP begins with.
#pragma once

#include <parley/transport/resolver.hpp>
#include <parley/transport/transport.hpp>

namespace parley::detail {

// The addresses of the request's host with the port of its kind. Errors as resolver::resolve.
awaitable<result<std::vector<tcp_endpoint>>> resolve_for(const connect_request& request);

} // namespace parley::detail
