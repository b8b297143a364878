// Connects a peer to a relay.
#pragma once

#include <parley/transport/transport.hpp>

namespace parley {

// Connects to the relay's stream of `kind` by the transport of address.scheme, on the coroutine's executor.
// Cancelling the coroutine closes every attempt. The outcome holds the error: bad_address, unknown_transport,
// name_not_resolved, connect_failed, timed_out, cancelled, those of a proxy (proxy_*), tls_failed, upgrade_*.
awaitable<connect_outcome> connect(relay_address address, stream_kind kind, connect_options options = {});

// Opens the relay's room at the address `reached`, the remote_endpoint() of the handshake stream (PROTOCOL.md
// section 6). It needs no second look-up, so both connections come from one address of this peer. Calls
// connect() when `reached` is nullopt.
awaitable<connect_outcome> connect_to_address(std::optional<tcp_endpoint> reached, relay_address address,
                                              stream_kind kind = stream_kind::room,
                                              connect_options options = {});

// Races `endpoints` (RFC 8305). The address families alternate. The next attempt starts options.attempt_delay
// after the last, or as soon as all before have failed. The first to connect wins, and the others are closed.
// connect_failed when none does.
awaitable<connect_outcome> connect_tcp(std::vector<tcp_endpoint> endpoints, connect_options options = {});

// Binds and listens on `address` by the transport of its scheme. Errors: unknown_transport, bad_address, the
// system's.
result<std::unique_ptr<acceptor_base>> listen(executor ex, const listen_address& address,
                                              const listen_options& options = {});

} // namespace parley
