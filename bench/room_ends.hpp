// The two ends of a room, however the program under test comes to join them.
#pragma once

#include "bench/load_socket.hpp"
#include "bench/system_under_test.hpp"

namespace parley::bench {

// Connected, blocking sockets; what the first writes, the second reads.
struct room_ends {
    load_socket sender, receiver;
    bool sender_frames = false;   // the sender writes WebSocket frames
    bool receiver_frames = false; // the receiver reads them
};

// Joins room number `number` of the system, with a sender and a receiver of those transports, and passes one
// message through it that is compared byte for byte. Throws failure; nothing when the system cannot join
// these transports.
std::optional<room_ends> join_room(const system_under_test& by, wire_kind sender, wire_kind receiver,
                                   unsigned number);

// The smallest exchange that a relay takes for an agreement (PROTOCOL.md section 3): both hellos, and the
// client's `accepted`. Blocking. What each end then writes on the room's connection.
struct introduced {
    std::string server_line, client_line;
};
introduced introduce(const endpoint& server_to, const endpoint& client_to, source_number source);

// A server that is connected, and waits as long as this lives. Blocking; throws
// failure.
class waiting_server {
public:
    waiting_server(const endpoint& relay_at, source_number source);
    waiting_server(const waiting_server&) = delete;
    waiting_server& operator=(const waiting_server&) = delete;
    ~waiting_server();

    // Says hello and reads its identity; gives the moment before the hello.
    std::chrono::steady_clock::time_point appear();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::bench
