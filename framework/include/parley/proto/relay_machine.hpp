// The relay's handshake side (PROTOCOL.md section 3): one machine for all peers that share a space of uids.
// Its inputs are connections, packets, disconnections and times. Its outputs are actions. It has no clock and
// no socket.
//
// The machine collects announcements: new servers, and peers that have left. It sends the first announcement after
// a quiet interval (relay_options::announcement_interval) at once. It sends later ones at the end of the interval,
// to one peer after another and in order. It never announces a server that came and left within the interval. A
// client's hello is answered with the current list, and the client receives no server of that list again. A uid
// stays reserved until the departure of its peer is announced.
//
// Transitions of a peer P, one row per input. The candidates of P are the waiting peers of the other kind
// whose pair with P has not ended.
//
//   input                      | state             | does
//   connect                    | -                 |                                              -> silent
//   hello of kind k            | silent            | identity to P; a client: new_server of each
//                              |                   | waiting server, newest first; a server: its
//                              |                   | new_server to each waiting client, collected -> waiting
//                              |                   | no uid free: closed 0000, close              -> closing
//                              | waiting as k      | identity to P again
//                              | waiting as other  | dropped
//   05 07 0b 0d to a server    | waiting as client | forwarded with P's uid
//   06 08 0d to a client       | waiting as server | forwarded with P's uid
//   0a to a server that has    | waiting as client | forwarded; done to P; agree; candidates of both:
//   agreed with P              |                   | closed; both closed                          -> closing
//   0a to another server       | waiting as client | dropped
//   the interval is over       | -                 | collected announcements to each waiting peer
//   0b, 0d, besides            | waiting           | the pair's candidacy ends
//   anything else              | silent, waiting   | dropped
//   malformed                  | silent, waiting   | closed 0000; candidates: closed; close       -> closing
//   its time is over           | silent, waiting   | timeout; candidates: closed; close           -> closing
//   disconnect                 | any               | candidates: closed                           -> gone
//   anything but disconnect    | closing           | nothing: it says and hears no more
//
// A server has agreed with P when its 08 to P was forwarded since P's last 07 to it (section 3.6). The relay
// remembers that for the last 64 clients of a server.
//
// A hello counts only when its destination is uid 0. Ended pairs are remembered up to a bound for each peer.
// Beyond the bound, a peer may receive `closed` for a peer with which its pair had ended. It ignores that.
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/machine.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>
#include <optional>
#include <variant>

namespace parley {

// The caller's number for a connection. Numbers are dense and reused after release: the machine indexes by
// them.
enum class connection_id : std::uint32_t {};

struct relay_options {
    // How long a peer may wait, counted from its connection.
    duration peer_timeout = std::chrono::seconds{3600};
    // The time for which the machine collects announcements; 0: it sends each one at once. With many receivers
    // the time is longer: 20 us for each receiver of the last announcements.
    duration announcement_interval = std::chrono::milliseconds{50};
};

// Why a packet was dropped; for logs and metrics.
enum class drop_reason : byte {
    no_hello,            // a packet before the hello
    hello_of_other_kind, // a second hello of another kind
    wrong_direction,     // client to client, or a type that this kind of peer never sends
    unknown_destination, // no such uid, or no hello from it yet
    relay_only,          // a type that only the relay may send
    reported_failure,    // a relay_failure, which needs no action
    no_agreement,        // accepted, without that server's agreement since the client's last X
};
std::string_view drop_reason_name(drop_reason reason) noexcept; // e.g. "wrong_direction"

enum class peer_kind : byte { server, client };

namespace relay_action {
// Bytes for a connection. Several actions may share one encoding.
struct send {
    connection_id to;
    std::shared_ptr<const encoded_packet> packet;
};
// Close the connection once everything sent to it is written. `why` is unset after an agreement.
struct close {
    connection_id which;
    error_code why;
};
// The two peers are entitled to a room. This action precedes their closes.
struct agree {
    identity client;
    identity server;
    connection_id client_connection;
    connection_id server_connection;
};
// A packet was dropped; for the log.
struct drop {
    connection_id from;
    drop_reason reason;
    std::uint8_t type;
};
} // namespace relay_action

using relay_action_variant =
    std::variant<relay_action::send, relay_action::close, relay_action::agree, relay_action::drop>;

// Forwarding a packet takes constant time, however many peers wait. A hello or a departure costs one action
// for each peer that is told. Memory: about 160 bytes per connection, at most 256 more for ended pairs, one
// shared encoding per waiting server and per departure that is not announced yet, and a table of uids that grows
// with the uids in use to 256 KiB. `now` must not go back. Not thread-safe.
class relay_machine {
public:
    explicit relay_machine(relay_options options = {});
    relay_machine(relay_machine&&) noexcept;
    relay_machine& operator=(relay_machine&&) noexcept;
    ~relay_machine();

    // A peer connected at `now`; its timeout starts. `who` is the identity that other peers see.
    void connect(connection_id connection, const identity& who, time_point now);
    // Takes one parsed packet of the connection. `peer` is the destination.
    void receive(connection_id connection, const message& packet, time_point now);
    // The connection of the waiting peer `number`. nullopt unless `from` waits, too, and is of the other kind.
    std::optional<connection_id> candidate(connection_id from, uid number) const noexcept;
    // The parser found a broken rule.
    void receive_malformed(connection_id connection, error_code why, time_point now);
    // The connection is gone, for whatever reason; call this after a close action, too. Its number may be
    // used again.
    void disconnect(connection_id connection, time_point now);
    // Times out every peer whose deadline has passed, and sends the announcements that are due.
    void expire(time_point now);
    time_point next_deadline() const noexcept; // no_deadline when nobody waits

    // The next action. Take all actions after every input.
    std::optional<relay_action_variant> next_action();

    struct counts {
        std::size_t connections = 0, servers = 0, clients = 0;
    };
    counts count() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
