// The relay's room side (PROTOCOL.md section 6): which pairs are entitled to a room, and who has come. It
// decides; the bytes of a room never pass through it.
//
// A seat belongs to one peer of an agreement. Whoever names the other peer's identity, from the address that
// the seat's own peer had in the handshake, takes it; of several such seats, the newest agreement's.
//
//   input                 | finds                         | does
//   line naming i         | a free seat of an agreement   | other seat taken: answer 00 to both, join
//                         | with i, at this address       | else: waits
//                         | none                          | answer 02, close
//   malformed line        | -                             | answer 02, close
//   disconnect            | it was waiting in a seat      | the seat is free again
//   time of a seat's wait | still alone                   | answer 01, close; the agreement ends
//   time of a line        | no line yet                   | answer 02, close
//   time of an agreement  | nobody came                   | the agreement ends
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_line.hpp>

#include <memory>
#include <variant>

namespace parley {

struct room_options {
    duration room_timeout = std::chrono::seconds{30}; // from the agreement: how long its rooms can be entered
    duration line_timeout = std::chrono::seconds{10}; // from the connection: how long the line may take
    bool same_address = true;                         // demand the address of the agreement's peer
    std::size_t max_agreements = 65536;               // waiting for their rooms; one more ends the oldest
};

namespace room_action {
struct answer {
    connection_id to;
    room_answer code;
}; // absent and denied: then close
struct join {
    connection_id client;
    connection_id server;
}; // both were answered 00: copy bytes both ways
using any = std::variant<answer, join>;
} // namespace room_action

// Cost of each input: constant but for expire(), which is constant for each that expires. Memory: about 500
// bytes an agreement, at most options.max_agreements of them, and 250 a connection. Not thread-safe.
class room_broker {
public:
    explicit room_broker(room_options options = {});
    room_broker(room_broker&&) noexcept;
    room_broker& operator=(room_broker&&) noexcept;
    ~room_broker();

    // An agreement was made (relay_action::agree).
    void agree(const identity& client, const identity& server, time_point now);

    void connect(connection_id connection, const identity& who, time_point now);
    // Takes the line from the front of `input`; what follows it stays there, and belongs to the room.
    void receive(connection_id connection, bytes_view& input, time_point now);
    // The connection is gone; also to be called after an answer that closes. Not needed after join: the
    // broker has forgotten both by then.
    void disconnect(connection_id connection);
    void expire(time_point now);
    time_point next_deadline() const noexcept;
    std::optional<room_action::any> next_action();

    // agreements: with a room to come; waiting: connections that were not answered yet.
    struct counts {
        std::size_t agreements = 0, waiting = 0;
    };
    counts count() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
