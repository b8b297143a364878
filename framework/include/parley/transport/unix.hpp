// The transport over Unix-domain sockets: unix:/path for handshakes, /path.room for rooms, or /path where
// there is no such file.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

#include <boost/asio/local/stream_protocol.hpp>

namespace parley {

// Takes over a connected `socket`. Its remote_identity() is "unix-USER:N": USER is the number of the other
// process' user, so that the room's same-address rule demands the same user, and N is counted up in this
// process, so that no two are equal. There is no remote_endpoint(). Reads and writes are lossless under
// cancellation.
//
// A Unix socket knows no reset: its end is one in order only when the other side ended its sending and still
// holds the connection. A side that closes without shutdown_send(), or dies, is taken for one that aborted.
any_stream make_unix_stream(asio::local::stream_protocol::socket socket);

// Listens on the path of `address`. A socket file that nobody listens on any more is replaced; any other file
// is left, with address_in_use. stop() removes the file. Errors: the system's.
result<std::unique_ptr<acceptor_base>> listen_unix(executor ex, const listen_address& address,
                                                   const listen_options& options);

// The transport "unix".
const transport& unix_transport() noexcept;

} // namespace parley
