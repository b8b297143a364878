// Makes a stream of a Boost.Beast WebSocket, in either role. Peers use it for "ws" and "wss"; a program with
// its own Beast WebSocket can use it, too. Also declares what Beast needs to use an any_stream as its next
// layer.
//
//     beast_websocket socket{any_stream{beast::tcp_stream{…}}};
//     co_await socket.async_accept(request);
//     any_stream stream = make_beast_websocket_stream(std::move(socket), role_type::server, stream_kind::room);
//
// Binary messages carry the bytes; their boundaries mean nothing (PROTOCOL.md section 9). The contract is
// any_stream's, with these details:
//   end     async_shutdown_send sends a close frame with 1000; reading goes on until the peer's close frame.
//           Beast answers the peer's close frame at once, so after a read has given the end, a write gives
//           broken_pipe.
//   read    eof after a close frame with 1000. connection_reset after any other one, and when the connection
//           ends without one. bad_framing when the peer breaks a rule; it is told 1002, 1003 for a text
//           message, or 1008 for too many frames without data.
//   pings   are answered while a read or a wait is pending.
//   close   sends what was written and the close frame in the background, within two seconds, unless the
//           stream was told to reset. Destruction without close() closes the connection below at once.
//
// Received messages have no size limit. Memory: 64 KiB for a room, 512 bytes for a handshake.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>

#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/stream_fwd.hpp>

namespace parley {

// permessage-deflate is off: encrypted bytes do not compress. Include <boost/beast/websocket/stream.hpp> to
// make one.
using beast_websocket = boost::beast::websocket::stream<any_stream, false>;

// Takes ownership of `websocket`, which must be open and have no pending operation. Sets Beast's options for
// messages, timeouts and control frames. `options` gives the ping interval and the bound on sent messages.
any_stream make_beast_websocket_stream(beast_websocket websocket, boost::beast::role_type role,
                                       stream_kind kind, const websocket_options& options = {});

namespace detail {
void start_teardown(any_stream& stream, stream_base::wait_handler handler);
}

// Beast calls this to end the connection below a WebSocket (boost/beast/websocket/teardown.hpp). It ends the
// sending direction, discards up to 1 MiB of received bytes, and closes `stream`.
template <class Handler>
void async_teardown(boost::beast::role_type, any_stream& stream, Handler&& handler)
{
    detail::start_teardown(stream, stream_base::wait_handler{std::forward<Handler>(handler)});
}
// Beast's blocking functions need this overload. An any_stream does not block.
inline void teardown(boost::beast::role_type, any_stream& stream, error_code& error) noexcept
{
    error = {};
    stream.close();
}
// Beast calls this to close the connection after a timeout.
inline void beast_close_socket(any_stream& stream) noexcept
{
    stream.close();
}

} // namespace parley
