// The peer that wants to receive a document, up to the agreement (PROTOCOL.md section 4, client).
//
// Transitions, one row per received packet. The relay must follow the protocol: any other packet from uid 0,
// and any forwarded packet of a type that a relay never forwards to a client, is unexpected_packet, and the
// machine fails. Packets from a server that do not fit its state are ignored.
//
//   packet                  | state of that server  | does
//   client_identity         | -                     | event identified; a second one: unexpected_packet
//   new_server              | any                   | derive, send x_and_client_identity       -> greeted
//                           |                       | not options.only_server: ignored
//                           |                       | bad public: send spoke_failure, event rejected
//   y_and_server_validator  | greeted               | right: keep keys, send client_validator  -> proven
//                           |                       | wrong: send spoke_failure, event rejected
//                           |                       |                                          -> forgotten
//   agreement               | proven                | event offered                            -> offered
//   (accept)                | offered               | send accepted                            -> accepted
//   (refuse)                | offered               | send refused                             -> forgotten
//   done                    | accepted              | event agreed, finished
//                           | none is accepted      | unexpected_packet
//   spoke_failure           | greeted, proven       |                                          -> forgotten
//                           | offered               | event gone                               -> forgotten
//                           | accepted              | ignored: the relay answers, with done or closed
//   closed s                | greeted, proven       |                                          -> forgotten
//                           | offered, accepted     | event gone                               -> forgotten
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

struct client_options {
    std::uint64_t max_iterations = default_max_iterations; // a server that asks for more is rejected
    std::size_t max_servers = 4096;                        // held at once; one more is ignored
    identity only_server{}; // unless empty, every other server is ignored: nothing is sent to it
};

namespace client_event {
// The relay has reported this peer's identity.
struct identified {
    identity self;
};
// This server knows the password: call accept() or refuse().
struct offered {
    uid server;
    identity peer;
};
// The server has another password, or sent a bad public value.
struct rejected {
    identity peer;
    error_code why;
};
// An offered or accepted server has left.
struct gone {
    uid server;
    identity peer;
};
// The last event.
struct agreed {
    agreement result;
};
} // namespace client_event

using client_event_variant = std::variant<client_event::identified, client_event::offered,
                                          client_event::rejected, client_event::gone, client_event::agreed>;

// A Machine. Memory: about 500 bytes per server, for at most options.max_servers of them. All secrets are
// wiped when it finishes. Each new_server costs the iterations of its key derivation, at most
// options.max_iterations. error(): closed_by_relay, timed_out_by_relay, unexpected_packet, unexpected_end,
// truncated_packet, the parser's error, crypto_unavailable, or the argument of stop(). Not thread-safe.
class client_machine {
public:
    using event = client_event_variant;

    // `random` must outlive the machine. output() holds the hello at once.
    client_machine(secret_bytes password, random_source& random, client_options options = {});
    client_machine(client_machine&&) noexcept;
    client_machine& operator=(client_machine&&) noexcept;
    ~client_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    // The user's answer to `offered`. Only one server can be accepted at a time: the others wait until that
    // one is gone. Returns false when `server` is not, or no longer, on offer.
    bool accept(uid server);
    bool refuse(uid server);

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
