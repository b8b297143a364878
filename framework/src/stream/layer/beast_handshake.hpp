// The client's side of a WebSocket's HTTP handshake; Beast writes the request and checks the answer. Private
// to the framework.
#pragma once

#include "stream/layer/keepalive_scheduler.hpp"

#include <memory>
#include <string>

namespace parley::detail {

// Makes a WebSocket over `stream`, which the caller keeps. The layer's output is the request; `protocols` is
// its Sec-WebSocket-Protocol. The caller sends the request and reads the answer's head.
std::unique_ptr<pinging_layer> start_beast_handshake(any_stream& stream, const std::string& host,
                                                     const std::string& target, const std::string& protocols,
                                                     stream_kind kind, const websocket_options& options);
// Whether `head` accepts the layer's request. Does not check the subprotocol. Then make_websocket_stream()
// makes the stream.
bool finish_beast_handshake(pinging_layer& layer, std::string_view head);

} // namespace parley::detail
