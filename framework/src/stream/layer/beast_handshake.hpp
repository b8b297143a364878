// The client's side of a WebSocket's HTTP handshake, which Beast writes and checks. Private to the framework.
#pragma once

#include "stream/layer/keepalive_scheduler.hpp"

#include <memory>
#include <string>

namespace parley::detail {

// A WebSocket over `stream`, which stays the caller's. The layer's output is the request; `protocols` is its
// Sec-WebSocket-Protocol. The caller sends it, and reads the answer's head.
std::unique_ptr<pinging_layer> start_beast_handshake(any_stream& stream, const std::string& host,
                                                     const std::string& target, const std::string& protocols,
                                                     stream_kind kind, const websocket_options& options);
// Whether `head` opens the WebSocket that this layer has asked for. Says nothing about its subprotocol. Then
// make_websocket_stream() makes the stream.
bool finish_beast_handshake(pinging_layer& layer, std::string_view head);

} // namespace parley::detail
