// The peer that wants to receive a document, up to the agreement (PROTOCOL.md section 4, client).
//
// Its transitions, one row a packet received. The relay is held to its part: whatever else comes from uid 0,
// or comes forwarded though the relay forwards no such type to a client, is unexpected_packet, and the
// machine fails. A server is held to nothing: what it says out of turn is ignored.
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
    std::uint64_t max_iterations = default_max_iterations;
    std::size_t max_servers = 4096; // in hand at once; one more is ignored
    identity only_server{};         // when not empty, all others are ignored: nothing is sent to them
};

namespace client_event {
struct identified {
    identity self;
};
struct offered {
    uid server;
    identity peer;
}; // this server knows the password: accept() or refuse() it
struct rejected {
    identity peer;
    error_code why;
}; // another password, or a bad public value
struct gone {
    uid server;
    identity peer;
}; // an offered or accepted server has left
struct agreed {
    agreement result;
}; // the last event
} // namespace client_event

using client_event_variant = std::variant<client_event::identified, client_event::offered,
                                          client_event::rejected, client_event::gone, client_event::agreed>;

// A Machine. Memory: about 500 bytes a server in hand, at most options.max_servers of them; all secrets are
// wiped when it finishes. Each new_server costs its iterations of the key derivation, at most
// options.max_iterations. error(): closed_by_relay, timed_out_by_relay, unexpected_packet, unexpected_end,
// truncated_packet, what the parser found, crypto_unavailable, or what stop() was given. Not thread-safe.
class client_machine {
public:
    using event = client_event_variant;

    // `random` must outlive the machine. The hello is in output() at once.
    client_machine(secret_bytes password, random_source& random, client_options options = {});
    client_machine(client_machine&&) noexcept;
    client_machine& operator=(client_machine&&) noexcept;
    ~client_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    // The user's answer to `offered`. Only one server can be accepted at a time (others wait until that one
    // is gone); false when `server` is not on offer (any more).
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
