// The transport over Unix-domain sockets: unix:/path for handshakes, /path.room for rooms, or /path where
// there is no such file.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/transport/transport.hpp>

#include <boost/asio/local/stream_protocol.hpp>

namespace parley {

// Takes ownership of a connected `socket`. Its remote_identity() is "unix-USER:N". USER is the number of the
// other process' user, so the room's same-address rule demands the same user. N is a counter in this process,
// so no two identities are equal. There is no remote_endpoint(). Reads and writes are lossless under
// cancellation.
//
// A Unix socket has no reset. Its end is in order only when the other side has ended its sending direction
// and still holds the connection. A side that closes without shutdown_send(), or dies, counts as one that
// aborted.
any_stream make_unix_stream(asio::local::stream_protocol::socket socket);

// Listens on the path of `address`. Replaces a socket file without a listener; leaves any other file, with
// address_in_use. stop() removes the file. Errors: bad_address, the system's.
result<std::unique_ptr<acceptor_base>> listen_unix(executor ex, const listen_address& address,
                                                   const listen_options& options);

// The transport "unix".
const transport& unix_transport() noexcept;

} // namespace parley
