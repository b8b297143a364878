// A WebSocket whose HTTP part is over, as a stream. Private to the framework.
#pragma once

#include "stream/layer/websocket_codec.hpp"

#include <parley/stream/any_stream.hpp>
#include <parley/stream/websocket_options.hpp>

namespace parley::detail {

// `early` is what came behind the HTTP head. `name` (static storage) is the transport's.
any_stream make_websocket_stream(any_stream below, websocket_role role, stream_kind kind,
                                 const websocket_options& options, std::string_view name,
                                 const std::optional<seat_token>& seat = {});

} // namespace parley::detail
