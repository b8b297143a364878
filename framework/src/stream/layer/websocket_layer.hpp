// The server's side of a WebSocket as a stream, after the HTTP handshake. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>

namespace parley::detail {

// With `has_window`, at most 8 MiB are ahead of the peer's counts (PROTOCOL.md section 9, bob.room.window). Counts are
// read by the reads of the stream: a write that waits for one goes on when a read has found it.
any_stream make_server_websocket_stream(any_stream below, stream_kind kind, const websocket_options& options,
                                        const std::optional<seat_token>& seat = {}, bool has_window = false);

} // namespace parley::detail
