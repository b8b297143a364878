// How a peer reaches a relay.
#pragma once

#include <parley/transport/transport.hpp>

namespace parley {

// Connects to the relay's stream of `kind` by the transport that address.scheme names, on the coroutine's
// executor. Cancelling the coroutine closes every attempt; nothing stays behind. Errors are in the outcome:
// bad_address, unknown_transport, name_not_resolved, connect_failed, timed_out, cancelled.
awaitable<connect_outcome> connect(relay_address address, stream_kind kind, connect_options options = {});

// Opens the relay's room at the very address `reached` that the handshake stream was connected to, its
// remote_endpoint() (PROTOCOL.md section 6): no second look-up, so both connections come from one address of
// this peer. Falls back to connect() when the transport has no address.
awaitable<connect_outcome> connect_to_address(std::optional<tcp_endpoint> reached, relay_address address,
                                              stream_kind kind = stream_kind::room,
                                              connect_options options = {});

// Races `endpoints` (RFC 8305): families interleaved, the next one options.attempt_delay after the last or as
// soon as all before have failed; the first to connect wins and the others are closed. connect_failed when
// none does.
awaitable<connect_outcome> connect_tcp(std::vector<tcp_endpoint> endpoints, connect_options options = {});

// Binds and listens on `address` by the transport that its scheme names. Errors: unknown_transport, the
// system's.
result<std::unique_ptr<acceptor_base>> listen(executor ex, const listen_address& address,
                                              const listen_options& options = {});

} // namespace parley
