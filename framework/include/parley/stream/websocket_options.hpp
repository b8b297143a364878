// The limits of a WebSocket's messages, and its keepalive.
#pragma once

#include <parley/base/time.hpp>

#include <cstddef>

namespace parley {

struct websocket_options {
    websocket_options() = default;

    std::size_t max_handshake_message_bytes = 1024;    // of a message on a handshake stream, all fragments
    std::size_t max_room_message_bytes = 1u << 20;     // of a message on a room stream
    duration ping_interval = std::chrono::seconds{25}; // duration::max() sends none
    duration pong_timeout = std::chrono::seconds{50};  // after a ping; then a silent peer is gone
};

} // namespace parley
