// Sets socket options that Asio has no name for or would undo, on the descriptor itself. Private to the
// framework.
#pragma once

#include <parley/transport/transport.hpp>

#include <boost/asio/io_context.hpp>

namespace parley::detail {

// Sets `options` on a connected or listening TCP socket; accepted sockets inherit them. Skips options that
// cannot be set.
void tune_socket(int descriptor, const tcp_options& options) noexcept;

// Sets SO_LINGER {1, 0} or its default, but not through Asio, which undoes a linger when it destroys a
// socket.
void reset_on_close(int descriptor, bool reset) noexcept;

// Makes a stream over a socket whose options are set.
any_stream adopt_tcp_socket(asio::ip::tcp::socket socket);
any_stream adopt_tcp_socket(asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type> socket);

} // namespace parley::detail
