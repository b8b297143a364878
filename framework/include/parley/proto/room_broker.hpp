// The relay's room side (PROTOCOL.md section 6): which pairs are entitled to a room, and which of their peers
// have come. The bytes of a room never pass through it.
//
// A place belongs to one peer of an agreement. A connection takes it by naming the other peer's identity. If
// the place's own peer presented a seat in the handshake, the connection must present the same seat and may
// come from any address (section 9). Otherwise the connection must come from the address that the peer had in
// the handshake. Of several such places, the connection takes that of the newest agreement.
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
    duration room_timeout = std::chrono::seconds{30}; // from the agreement: how long peers may enter
    bool same_address = true;           // demand the address of a peer that has presented no seat
    std::size_t max_agreements = 65536; // that still wait for their rooms; one more ends the oldest
};

// The identity of a connection, and the seat that it has presented.
struct room_peer {
    room_peer() = default;
    room_peer(const identity& w, const std::optional<seat_token>& s = {}) noexcept : who(w), seat(s) {}

    identity who;
    std::optional<seat_token> seat;
};

namespace room_action {
// After `absent` and `denied`, close the connection.
struct answer {
    connection_id to;
    room_answer code;
};
// Both got the answer 00: copy bytes both ways.
struct join {
    connection_id client;
    connection_id server;
};
} // namespace room_action

using room_action_variant = std::variant<room_action::answer, room_action::join>;

// Each input costs constant time, except expire(), which costs constant time per expired item. Memory: about
// 550 bytes per agreement, for at most options.max_agreements of them, and 270 per connection. Not
// thread-safe.
class room_broker {
public:
    explicit room_broker(room_options options = {});
    room_broker(room_broker&&) noexcept;
    room_broker& operator=(room_broker&&) noexcept;
    ~room_broker();

    // Two peers have agreed (relay_action::agree). Each comes with the seat of its handshake. `held` is kept
    // as long as the agreement waits for its room, and may be null.
    void agree(const room_peer& client, const room_peer& server, time_point now,
               std::shared_ptr<void> held = nullptr);

    // A connection to the room port. Its owner limits the time for the line. With `by_seat_only` it takes no
    // place but that of its seat.
    void connect(connection_id connection, const room_peer& who, bool by_seat_only = false);
    // Takes the line from the front of `input`. The bytes after the line stay there: they belong to the room.
    void receive(connection_id connection, bytes_view& input, time_point now);
    // The connection is gone. Call this after an answer that closes, too. It is not needed after join: by
    // then the broker has forgotten both connections.
    void disconnect(connection_id connection);
    // Ends every agreement whose deadline has passed.
    void expire(time_point now);
    // The earliest deadline, or no_deadline.
    time_point next_deadline() const noexcept;
    // The next action. Take all actions after every input.
    std::optional<room_action_variant> next_action();

    // agreements: those without a room yet; waiting: connections without an answer yet.
    struct counts {
        std::size_t agreements = 0, waiting = 0;
    };
    counts count() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
