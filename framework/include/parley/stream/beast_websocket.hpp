// A WebSocket of Boost.Beast as a stream: what a peer's "ws" and "wss" use, and what a program uses that has a
// Beast WebSocket of its own, in either role. Also what Beast needs to have an any_stream as its next layer.
//
//     beast_websocket socket{any_stream{beast::tcp_stream{…}}};
//     co_await socket.async_accept(request);
//     any_stream stream = make_beast_websocket_stream(std::move(socket), role_type::server, stream_kind::room);
//
// Binary messages carry the bytes, and their boundaries mean nothing (PROTOCOL.md section 9). The contract is
// any_stream's, with these particulars:
//   end     async_shutdown_send sends a close frame with 1000; reading goes on until the peer's close frame.
//           Beast answers the peer's close frame at once, so after a read has given the end, a write gives
//           broken_pipe.
//   read    eof after a close frame with 1000. connection_reset after any other one, and when the connection
//           ends without one. bad_framing when the peer breaks a rule; it is told 1002, or 1003 for a text
//           message.
//   pings   are answered while somebody reads or waits.
//   close   sends what was written and the close frame in the background, within two seconds, unless the
//           stream was told to reset. Destruction without close() closes the connection below at once.
//
// Received messages have no bound; the memory that they take has: 64 KiB for a room, 512 bytes for a
// handshake.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>

#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/stream_fwd.hpp>

namespace parley {

// Without permessage-deflate: what is encrypted does not compress. Include <boost/beast/websocket/stream.hpp> to
// make one.
using beast_websocket = boost::beast::websocket::stream<any_stream, false>;

// Takes over `websocket`, which is open and on which nothing is under way. Sets Beast's options for messages,
// timeouts and control frames; `options` says how often to ping, and bounds the messages that are sent.
any_stream make_beast_websocket_stream(beast_websocket websocket, boost::beast::role_type role,
                                       stream_kind kind, const websocket_options& options = {});

namespace detail {
void start_teardown(any_stream& stream, stream_base::wait_handler handler);
}

// How Beast ends the connection below a WebSocket (boost/beast/websocket/teardown.hpp): the sending direction
// ends, what still comes is thrown away, up to 1 MiB, and `stream` is closed.
template <class Handler>
void async_teardown(boost::beast::role_type, any_stream& stream, Handler&& handler)
{
    detail::start_teardown(stream, stream_base::wait_handler{std::forward<Handler>(handler)});
}
// For Beast's functions that block, which an any_stream does not have.
inline void teardown(boost::beast::role_type, any_stream& stream, error_code& error) noexcept
{
    error = {};
    stream.close();
}
// How Beast closes the connection when time is up.
inline void beast_close_socket(any_stream& stream) noexcept
{
    stream.close();
}

} // namespace parley
