// What is measured, each behind the same small face: a relay of the protocol, something that forwards
// connections, or nothing at all (plain loopback, the limit).
#pragma once

#include "bench/child.hpp"
#include "bench/endpoint.hpp"
#include "bench/session.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace parley::bench {

// A running program under test. Destroying it ends what was started for it.
class subject {
public:
    virtual ~subject() = default;
    // The processes whose time counts, without their descendants; empty when they are not known, or there is
    // none.
    virtual std::vector<pid_t> processes() const = 0;
    // Where its doors are; nothing when it is no relay, or has no such transport.
    virtual std::optional<relay_endpoints> relay(wire_kind) const { return std::nullopt; }
    // Where to connect so as to be joined with a connection that comes out at listener(); nothing when it
    // cannot.
    virtual std::optional<endpoint> front(wire_kind) const { return std::nullopt; }
    virtual const descriptor* listener() const { return nullptr; }
};

// How to start one. `unavailable` says why it cannot be, or is empty.
struct subject_kind {
    std::string name;
    std::string unavailable;
    std::function<std::unique_ptr<subject>()> start;
};

// parley-relay, the relays that run already, and those given as a command line.
std::vector<subject_kind> relay_kinds(session& s);
// Direct loopback, HAProxy with and without splice, nginx (stream and WebSocket), socat, and those given.
std::vector<subject_kind> forwarder_kinds(session& s);

// Those of `kinds` that are wanted and there; the others are skipped by name.
std::vector<subject_kind> available(session& s, std::vector<subject_kind> kinds);

// The same in another order in each run, so that nobody always comes first or after the same one.
std::vector<subject_kind> in_turn(std::vector<subject_kind> kinds, int run);

// The transports of --transports; without it all, or with --quick those of `quick`.
std::vector<wire_kind> wires_of(const settings& options, std::vector<wire_kind> quick);

// Words of a command line, quoted as a shell would have them, with {name} replaced by its value. Throws
// failure for an open quote or an unknown {name}.
std::vector<std::string> command_words(const std::string& line,
                                       const std::map<std::string, std::string>& values);

// Waits until `program` listens on that port of IPv4, without connecting to it. Throws failure.
void wait_until_listening(child& program, std::uint16_t port);

} // namespace parley::bench
