// The peer that has a document to send, up to the agreement (PROTOCOL.md section 4, server).
//
// Its transitions, one row a packet received. The relay is held to its part: whatever else comes from uid 0,
// or comes forwarded though the relay forwards no such type to a server, is unexpected_packet, and the
// machine fails. A client is held to nothing: what it says out of turn harms nobody but itself.
//
//   packet                  | state of that client  | does
//   server_identity         | -                     | event identified; a second one: unexpected_packet
//   x_and_client_identity   | any                   | answer y_and_server_validator            -> greeted
//                           |                       | or spoke_failure, event rejected         -> forgotten
//   client_validator        | greeted               | right: send agreement                    -> proven
//                           |                       | wrong: send spoke_failure 02, event rejected
//                           |                       |                                          -> forgotten
//                           | proven                | ignored
//                           | unknown               | relay_failure C to the relay
//   accepted                | proven                | event agreed, finished
//                           | greeted, unknown      | relay_failure C to the relay
//   refused                 | proven                | event refused                            -> forgotten
//                           | greeted               |                                          -> forgotten
//   spoke_failure           | greeted               | event rejected: it has another password  -> forgotten
//                           | proven                |                                          -> forgotten
//   closed c                | any                   |                                          -> forgotten
//   closed 0000             | -                     | fails with closed_by_relay
//   timeout                 | -                     | fails with timed_out_by_relay
#pragma once

#include <parley/proto/agreement.hpp>
#include <parley/proto/machine.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>
#include <variant>

namespace parley {

struct server_options {
    // In hand at once: the oldest unproven one is forgotten for one more, which is not answered when all are
    // proven.
    std::size_t max_clients = 4096;
};

namespace server_event {
struct identified {
    identity self;
};
struct rejected {
    identity peer;
    error_code why;
}; // a client tried another password (either side may be the one to find out), or a bad public value
struct refused {
    identity peer;
}; // the other user, who knows the password, said no
struct agreed {
    agreement result;
}; // the last event
} // namespace server_event

using server_event_variant = std::variant<server_event::identified, server_event::rejected,
                                          server_event::refused, server_event::agreed>;

// A Machine. Memory: about 600 bytes a client in hand, at most options.max_clients of them; their secrets are
// wiped when it finishes. error(): closed_by_relay, timed_out_by_relay, unexpected_packet, unexpected_end,
// truncated_packet, what the parser found, crypto_unavailable, or what stop() was given. Not thread-safe.
class server_machine {
public:
    using event = server_event_variant;

    // `server` holds what was derived from the password; `random` must outlive the machine. The hello is in
    // output() at once.
    server_machine(spoke_server server, random_source& random, server_options options = {});
    server_machine(server_machine&&) noexcept;
    server_machine& operator=(server_machine&&) noexcept;
    ~server_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
