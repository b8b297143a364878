// The peer that wants to receive a document, up to the agreement (PROTOCOL.md section 4, client).
//
// Transitions, one row per received packet. The relay must follow the protocol: any other packet from uid 0,
// and any forwarded packet of a type that a relay never forwards to a client, is unexpected_packet, and the
// machine fails. Packets from a server that do not fit its state are ignored.
//
//   packet                  | state of that server  | does
//   client_identity         | -                     | event identified; a second one: unexpected_packet
//   new_server              | any                   | waits for its derivation                 -> announced
//                           |                       | not options.only_server: ignored
//                           |                       | no mark, and only version 2 is spoken: ignored
//                           |                       | bad public: send spoke_failure, event rejected
//   (derived)               | announced, greeted    | send x_and_client_identity               -> greeted
//                           |                       | bad public: send spoke_failure, event rejected
//                           |                       |                                          -> forgotten
//   y_and_server_validator  | greeted               | right: keep keys, send client_validator  -> proven
//                           |                       | wrong: send spoke_failure, event rejected
//                           |                       |                                          -> forgotten
//                           |                       | wrong, and it owes an answer to an earlier
//                           |                       | X, too: wait 10 s for the other one
//   agreement               | proven, version 1     | event offered                            -> offered
//                           | proven, version 2     | send accepted                            -> accepted
//                           |                       | another one is accepted: waits           -> offered
//   (accept)                | offered               | send accepted                            -> accepted
//   (that one is gone)      | offered, version 2    | the first that waits: send accepted      -> accepted
//   (refuse)                | offered               | send refused                             -> forgotten
//   done                    | accepted              | event agreed, finished
//                           | none is accepted      | unexpected_packet
//   spoke_failure           | announced, greeted,   |                                          -> forgotten
//                           | proven                |
//                           | offered               | event gone (version 1)                   -> forgotten
//                           | accepted              | ignored: the relay answers, with done or closed
//   closed s                | announced, greeted,   |                                          -> forgotten
//                           | proven                |
//                           | offered, accepted     | event gone (version 1)                   -> forgotten
//   closed 0000             | -                     | fails with closed_by_relay
//   timeout                 | -                     | fails with timed_out_by_relay
//   (10 s without answer)   | greeted               | gives its place to a server that waits for one
//                           |                       |                                          -> announced
//   (10, 20, 40 … s)        | announced, greeted    | waits for another derivation, with a fresh X
//
// Versions of the session (SESSION2.md section 1). With a server whose public bears the mark, a client that
// speaks version 2 uses it. Such a server is accepted at once: the user is asked later, inside the session.
//
// Derivations. What a server announces decides how much work the key derivation is, so the machine never does
// that work itself: the owner takes one job after the other from next_derivation(), does it where it holds
// nothing up, and brings it back with derived(). The cheapest job goes first; those of up to 16 iterations,
// which is what senders ask for, count as equally cheap. Among equally cheap ones the networks (of IPv4 the
// address, of IPv6 the first 64 bits) take turns, and of each the server that waits longest goes first. First
// and repeated attempts take turns, too. The work is paid from a budget of options.iterations_a_minute: a job
// costs its iterations and 200 more, the time of the point multiplications of one handshake.
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

struct client_options {
    std::uint64_t max_iterations = default_max_iterations; // a server that asks for more is rejected
    // All derivations of a minute: about two seconds of work. Where one derivation of max_iterations is more,
    // the budget is that one.
    std::uint64_t iterations_a_minute = 1'000'000;
    // How many servers are spoken to at once. More wait, and take the places of those that are silent.
    std::size_t max_servers = 4096;
    std::uint64_t max_guesses = default_max_guesses; // one more fails with too_many_guesses; 0: no limit
    identity only_server{}; // unless empty, every other server is ignored: nothing is sent to it
    std::uint64_t earlier_guesses =
        0; // guesses() of machines before this one; they count against max_guesses
    session_versions versions = session_versions::only_1; // that this peer speaks
};

namespace client_event {
// The relay has reported this peer's identity.
struct identified {
    identity self;
};
// next_derivation() has a job.
struct derivation_due {};
// A server that has not answered gets another X. At most once a minute.
struct repeated {};
// This server knows the password and speaks version 1: call accept() or refuse().
struct offered {
    uid server;
    identity peer;
};
// The server has another password, or sent a bad public value. At most 20 in a minute; beyond that `guesses`
// comes once a minute in their place.
struct rejected {
    identity peer;
    error_code why;
};
// More than 20 servers of the last minute had another password.
struct guesses {
    guess_report last_minute;
};
// An offered or accepted server of version 1 has left.
struct gone {
    uid server;
    identity peer;
};
// The last event.
struct agreed {
    agreement result;
};
} // namespace client_event

using client_event_variant =
    std::variant<client_event::identified, client_event::derivation_due, client_event::repeated,
                 client_event::offered, client_event::rejected, client_event::guesses, client_event::gone,
                 client_event::agreed>;

// The key derivation for one server. It owns what it needs: it may outlive its machine, and may be run on
// another thread, by one thread at a time.
class client_derivation {
public:
    // Does up to `iterations` more of the work, each about two microseconds, and half a millisecond at the
    // end. Returns whether all is done.
    bool run(std::uint64_t iterations) noexcept { return work_.run(iterations); }

private:
    friend class client_machine;
    client_derivation(uid server, std::uint64_t serial, spoke_client_derivation work)
        : server_{server}, serial_{serial}, work_{std::move(work)}
    {
    }

    uid server_;
    std::uint64_t serial_; // of the server that held the uid
    spoke_client_derivation work_;
};

// A TimedMachine. Memory: about 350 bytes for each server that the relay has announced, and as much again for
// each that is spoken to, which are at most options.max_servers. All secrets are wiped when it finishes.
// error(): closed_by_relay, timed_out_by_relay, unexpected_packet, unexpected_end, truncated_packet, the
// parser's error, crypto_unavailable, too_many_guesses, or the argument of stop(). Not thread-safe.
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

    // It is `now`. The machine does what has become due.
    void expire(time_point now);
    time_point next_deadline() const noexcept; // no_deadline when nothing will be due

    // The next job. None while another one is out, and when there is nothing to do. The owner brings back
    // each job that it takes.
    std::optional<client_derivation> next_derivation();
    // Takes the job back. What is left of its work is done now.
    void derived(client_derivation job);

    // The user's answer to `offered`. Only one server can be accepted at a time: the others wait until that
    // one is gone. Returns false when `server` is not, or no longer, on offer.
    bool accept(uid server);
    bool refuse(uid server);

    bytes_view output() const;
    void consume_output(std::size_t n);
    std::optional<event> next_event();
    bool finished() const noexcept;
    error_code error() const noexcept;
    std::uint64_t guesses() const noexcept; // that have failed, the earlier ones included

private:
    struct state;
    std::unique_ptr<state> state_;
};

// Does the derivations that are due here and now: for an owner that holds nothing up.
inline void derive_now(client_machine& machine)
{
    while (auto job = machine.next_derivation()) machine.derived(std::move(*job));
}

} // namespace parley
