// The two ends of a room, for every kind of program that joins them.
#pragma once

#include "bench/load_socket.hpp"
#include "bench/system_under_test.hpp"

namespace parley::bench {

// Connected, blocking sockets. The second reads what the first writes.
struct room_ends {
    load_socket sender, receiver;
    bool sender_frames = false;   // the sender writes WebSocket frames
    bool receiver_frames = false; // the receiver reads them
};

// Joins room number `number` of the system, with a sender and a receiver of those transports, and passes one
// message through it, which it compares byte for byte. Throws failure. Returns nothing if the system cannot
// join these transports.
std::optional<room_ends> join_room(const system_under_test& by, wire_kind sender, wire_kind receiver,
                                   unsigned number);

// Makes the smallest exchange that a relay accepts as an agreement (PROTOCOL.md section 3): both hellos, X,
// `agreement` and `accepted`. Blocking. Returns the line that each end then writes on the room's connection.
struct introduced {
    std::string server_line, client_line;
};
introduced introduce(const endpoint& server_to, const endpoint& client_to, source_number source);

// A connected server, which waits as long as this object lives. Blocking. Throws failure.
class waiting_server {
public:
    waiting_server(const endpoint& relay_at, source_number source);
    waiting_server(const waiting_server&) = delete;
    waiting_server& operator=(const waiting_server&) = delete;
    ~waiting_server();

    // Sends the hello and reads the identity. Returns the time before the hello.
    std::chrono::steady_clock::time_point appear();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::bench
