// The few socket options that Asio has no name for, or that it would undo: set on the descriptor itself.
#pragma once

#include <parley/transport/transport.hpp>

#include <boost/asio/io_context.hpp>

namespace parley::detail {

// Sets `options` on a connected or listening TCP socket; what is accepted from a listening one inherits them.
// An option that cannot be set is left.
void tune_socket(int descriptor, const tcp_options& options) noexcept;

// SO_LINGER {1, 0}, or its default. Not through Asio, which takes a linger back when a socket is destroyed.
void reset_on_close(int descriptor, bool reset) noexcept;

// A stream over a socket that has its options already.
any_stream adopt_tcp_socket(asio::ip::tcp::socket socket);
any_stream adopt_tcp_socket(asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type> socket);

} // namespace parley::detail
