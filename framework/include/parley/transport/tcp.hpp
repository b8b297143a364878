// The TCP transport: streams over sockets, and the acceptor that makes them.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

namespace parley {

// Takes ownership of a connected `socket` and sets `options` on it; skips options that cannot be set. The
// stream's reads and writes are lossless under cancellation.
any_stream make_tcp_stream(asio::ip::tcp::socket socket, const tcp_options& options = {});
// The same for sockets with an io_context's own executor type, which need less memory.
any_stream make_tcp_stream(asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type> socket,
                           const tcp_options& options = {});

// The identity of a peer at `endpoint` (PROTOCOL.md sections 1 and 10): "a.b.c.d:port" or "[addr]:port"; a
// v4-mapped address as IPv4; no zone, which would not fit the bound.
identity identity_of(const tcp_endpoint& endpoint) noexcept;

// Listens on all addresses of `address`. With port 0 and several addresses, all get the same port. For "*" it
// skips an IP family that the system does not have. Errors: bad_address, the system's (address_in_use,
// permission_denied, …).
result<std::unique_ptr<acceptor_base>> listen_tcp(executor ex, const listen_address& address,
                                                  const listen_options& options);

// The transport "tcp": default ports 9000 (handshake) and 9001 (room).
const transport& tcp_transport() noexcept;

} // namespace parley
