// The relay's handshake side (PROTOCOL.md section 3): one machine for all peers of one space of uids. It is
// told of connections, packets, ends and times, and answers with actions; it has no clock and no socket.
//
// Transitions of a peer, one row an input (P: this peer; candidates of P: the peers of the other kind that
// still wait and whose pair with P has not ended):
//
//   input                        | state             | does
//   connect                      | -                 |                                                   ->
//   silent hello of kind k              | silent            | identity to P; new_server per server to a
//   client,
//                                |                   | of it to each client from a server                ->
//                                waiting as k | waiting as k      | identity to P again | waiting as other  |
//                                ignored
//   05 07 0a 0b 0d to a server   | waiting as client | forwarded with P's uid
//   06 08 0d to a client         | waiting as server | forwarded with P's uid
//   0a to a waiting server       | waiting as client | forwarded; done to P; agree; both closed; candidates
//   of both: closed 0b, 0d                       | waiting           | also ends the pair's candidacy
//   relay_failure                | waiting           | logged
//   anything else                | any               | dropped, logged
//   malformed                    | any               | closed 0000, close; candidates: closed
//   disconnect                   | any               | candidates: closed
//   its time is over             | any               | timeout, close; candidates: closed
//   hello, no uid free           | silent            | closed 0000, close
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/machine.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>
#include <variant>

namespace parley {

// The caller's number for a connection: dense, reused after release, so that the machine can index by it.
enum class connection_id : std::uint32_t {};

struct relay_options {
    duration peer_timeout =
        std::chrono::seconds{3600}; // how long a peer may wait, counted from its connection
};

// Why a packet went nowhere; for logs and metrics.
enum class drop_reason : byte {
    no_hello,            // a packet before the hello
    hello_of_other_kind, // a second hello of another kind
    wrong_direction,     // client to client, or a type that this kind of peer never sends
    unknown_destination, // no such uid, or no hello from it yet
    relay_only,          // a type that only the relay sends
    reported_failure,    // a relay_failure: heard, and nothing to do
};
std::string_view drop_reason_name(drop_reason reason) noexcept; // e.g. "wrong_direction"

namespace relay_action {
// Bytes due to a connection. The same encoding may be shared by many.
struct send {
    connection_id to;
    std::shared_ptr<const encoded_packet> packet;
};
// Close it once all that was sent to it is written. `why` is unset after an agreement.
struct close {
    connection_id which;
    error_code why;
};
// The two are entitled to a room. Comes before their closes.
struct agree {
    identity client;
    identity server;
};
// For the log: a packet went nowhere.
struct drop {
    connection_id from;
    drop_reason reason;
    std::uint8_t type;
};
using any = std::variant<send, close, agree, drop>;
} // namespace relay_action

// Time per forwarded packet is constant however many peers wait. Memory: about 160 bytes a connection, one
// shared encoding a waiting server, 256 KiB for the table of uids. Not thread-safe.
class relay_machine {
public:
    explicit relay_machine(relay_options options = {});
    relay_machine(relay_machine&&) noexcept;
    relay_machine& operator=(relay_machine&&) noexcept;
    ~relay_machine();

    void connect(connection_id connection, const identity& who, time_point now);
    // One packet of the connection, as parsed: `peer` is the destination.
    void receive(connection_id connection, const message& packet);
    // The parser found a broken rule.
    void receive_malformed(connection_id connection, error_code why);
    // The connection is gone, for whatever reason, also after a close action. Its number may be used again.
    void disconnect(connection_id connection);
    // Times out every peer whose time has come.
    void expire(time_point now);
    time_point next_deadline() const noexcept; // no_deadline when nobody waits

    // The next action; to be drained after every input.
    std::optional<relay_action::any> next_action();

    struct counts {
        std::size_t connections = 0, servers = 0, clients = 0;
    };
    counts count() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
