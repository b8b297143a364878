// The peer that has a document to send, up to the agreement (PROTOCOL.md section 4, server).
//
// Transitions, one row per received packet. The relay must follow the protocol: any other packet from uid 0,
// and any forwarded packet of a type that a relay never forwards to a server, is unexpected_packet, and the
// machine fails. A packet from a client that does not fit its state harms only that client.
//
//   packet                  | state of that client  | does
//   server_identity         | -                     | event identified; a second one: unexpected_packet
//   x_and_client_identity   | any                   | answer y_and_server_validator            -> greeted
//                           |                       | or spoke_failure, event rejected         -> forgotten
//   client_validator        | greeted               | right: send agreement                    -> proven
//                           |                       | wrong, or of a version that the server does not
//                           |                       | speak: send spoke_failure 02, event rejected
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
//
// The right validator also tells the version of the session (SESSION2.md section 1). Which versions the
// server speaks is decided when the spoke_server is made.
//
// Each greeting is one guess at the password. It has failed when the client sends a wrong validator or
// spoke_failure, when it leaves or greets again, and when it has not proven the password within 10 s. A
// client that proves the password later than that is still heard.
#pragma once

#include <parley/base/time.hpp>
#include <parley/proto/agreement.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/proto/machine.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <memory>
#include <variant>

namespace parley {

struct server_options {
    // How many clients are held at once. One more replaces the oldest unproven one. If all are proven, the
    // new one gets no answer.
    std::size_t max_clients = 4096;
    std::uint64_t max_guesses = default_max_guesses; // one more fails with too_many_guesses; 0: no limit
    std::uint64_t earlier_guesses =
        0; // guesses() of machines before this one; they count against max_guesses
};

namespace server_event {
// The relay has reported this peer's identity.
struct identified {
    identity self;
};
// A client has another password (either side may notice first), sent a bad public value, or speaks only a
// version of the session that the server does not (version_not_spoken). At most 20 in a minute; beyond that
// `guesses` comes once a minute in their place.
struct rejected {
    identity peer;
    error_code why;
};
// More than 20 guesses of the last minute failed. Their addresses are those that the clients gave.
struct guesses {
    guess_report last_minute;
};
// The other user knows the password and said no.
struct refused {
    identity peer;
};
// The last event.
struct agreed {
    agreement result;
};
} // namespace server_event

using server_event_variant = std::variant<server_event::identified, server_event::rejected,
                                          server_event::guesses, server_event::refused, server_event::agreed>;

// A TimedMachine. Memory: about 600 bytes per client, for at most options.max_clients of them. Their secrets
// are wiped when it finishes. error(): closed_by_relay, timed_out_by_relay, unexpected_packet,
// unexpected_end, truncated_packet, the parser's error, crypto_unavailable, too_many_guesses, or the argument
// of stop(). Not thread-safe.
class server_machine {
public:
    using event = server_event_variant;

    // `server` holds what was derived from the password. `random` must outlive the machine. output() holds
    // the hello at once.
    server_machine(spoke_server server, random_source& random, server_options options = {});
    server_machine(server_machine&&) noexcept;
    server_machine& operator=(server_machine&&) noexcept;
    ~server_machine();

    void receive(bytes_view& input);
    void receive_end();
    void stop(error_code why);

    // It is `now`. The machine does what has become due.
    void expire(time_point now);
    time_point next_deadline() const noexcept; // no_deadline when nothing will be due

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;
    // The guesses that have failed, the earlier ones included. Once it has finished, a client that had not
    // proven the password yet counts, too.
    std::uint64_t guesses() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley
