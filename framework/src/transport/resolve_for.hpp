// The first step of every transport over TCP: the look-up. Private to the framework.
#pragma once

#include <parley/transport/resolver.hpp>
#include <parley/transport/transport.hpp>

namespace parley::detail {

// Resolves `host` with the resolver of `options`, within its timeout. Errors as resolver::resolve.
awaitable<result<std::vector<tcp_endpoint>>> resolve_for(const connect_options& options, std::string host,
                                                         std::uint16_t port);

} // namespace parley::detail
