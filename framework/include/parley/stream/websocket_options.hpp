// What a WebSocket may send, and when it is taken for dead.
#pragma once

#include <parley/base/time.hpp>

#include <cstddef>

namespace parley {

struct websocket_options {
    websocket_options() = default;

    std::size_t max_handshake_message_bytes = 1024;    // of a message on a handshake stream, all fragments
    std::size_t max_room_message_bytes = 1u << 20;     // of one on a room stream
    duration ping_interval = std::chrono::seconds{25}; // duration::max() sends none
    duration pong_timeout = std::chrono::seconds{50};  // nothing heard for this long after a ping: dropped
};

} // namespace parley
