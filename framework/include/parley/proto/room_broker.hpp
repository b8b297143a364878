// The relay's room side (PROTOCOL.md section 6): which pairs are entitled to a room, and who has come. It
// decides; the bytes of a room never pass through it.
//
// A place belongs to one peer of an agreement. A connection takes it by naming the other peer's identity.
// Where the place's own peer presented a seat in the handshake, the connection must present the same seat,
// and may come from any address (section 9). Where it presented none, the connection must come from the
// address that the peer had in the handshake. Of several such places, the newest agreement's is taken.
//
//   input                  | finds                          | does
//   line naming i          | a free place of an agreement   | other place taken: answer 00 to both, join
//                          | with i, by this seat or        | else: waits
//                          | address                        |
//                          | none                           | answer 02, close
//   malformed line         | -                              | answer 02, close
//   disconnect             | it was waiting in a place      | the place is free again
//   time of a place's wait | still alone                    | answer 01, close; the agreement ends
//   time of an agreement   | nobody came                    | the agreement ends
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/wire/seat_token.hpp>

#include <memory>
#include <variant>

namespace parley {

struct room_options {
    duration room_timeout = std::chrono::seconds{30}; // from the agreement: how long its rooms can be entered
    bool same_address = true; // demand the address of an agreement's peer that has presented no seat
    std::size_t max_agreements = 65536; // waiting for their rooms; one more ends the oldest
};

// Whose a connection is, and the seat that it has presented.
struct room_peer {
    room_peer() = default;
    room_peer(const identity& w, const std::optional<seat_token>& s = {}) noexcept : who(w), seat(s) {}

    identity who;
    std::optional<seat_token> seat;
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
} // namespace room_action

using room_action_variant = std::variant<room_action::answer, room_action::join>;

// Cost of each input: constant but for expire(), which is constant for each that expires. Memory: about 550
// bytes an agreement, at most options.max_agreements of them, and 270 a connection. Not thread-safe.
class room_broker {
public:
    explicit room_broker(room_options options = {});
    room_broker(room_broker&&) noexcept;
    room_broker& operator=(room_broker&&) noexcept;
    ~room_broker();

    // An agreement was made (relay_action::agree); each peer with the seat of its handshake.
    void agree(const room_peer& client, const room_peer& server, time_point now);

    // How long its line may take is the owner's to say.
    void connect(connection_id connection, const room_peer& who);
    // Takes the line from the front of `input`; what follows it stays there, and belongs to the room.
    void receive(connection_id connection, bytes_view& input, time_point now);
    // The connection is gone; also to be called after an answer that closes. Not needed after join: the
    // broker has forgotten both by then.
    void disconnect(connection_id connection);
    void expire(time_point now);
    time_point next_deadline() const noexcept;
    std::optional<room_action_variant> next_action();

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
