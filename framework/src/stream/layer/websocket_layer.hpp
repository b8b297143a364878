// The server's side of a WebSocket as a stream, after the HTTP handshake. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>

namespace parley::detail {

any_stream make_server_websocket_stream(any_stream below, stream_kind kind, const websocket_options& options,
                                        const std::optional<seat_token>& seat = {});

} // namespace parley::detail
