// A system under test behind one small interface: a relay of the protocol, a program that forwards
// connections, or nothing (plain loopback, the limit).
#pragma once

#include "bench/child.hpp"
#include "bench/endpoint.hpp"
#include "bench/session.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

namespace parley::bench {

// A running system. The destructor ends what was started for it.
class system_under_test {
public:
    virtual ~system_under_test() = default;
    // The processes whose CPU time counts, without their descendants. Empty if they are not known, or there
    // are none.
    virtual std::vector<pid_t> processes() const = 0;
    // Where it listens. Nothing if it is not a relay or does not have that transport.
    virtual std::optional<relay_endpoints> relay(wire_kind) const { return std::nullopt; }
    // Where to connect to reach a connection that arrives at listener(). Nothing if it cannot forward.
    virtual std::optional<endpoint> front(wire_kind) const { return std::nullopt; }
    virtual const descriptor* listener() const { return nullptr; }
};

// How to start a system. `unavailable` says why it cannot start, or is empty.
struct system_kind {
    std::string name;
    std::string unavailable;
    std::function<std::unique_ptr<system_under_test>()> start;
};

// parley-relay, the relays already running, and those given as a command line.
std::vector<system_kind> relay_kinds(session& s);
// The least that a relay can do for a fanout over TCP, as a separate process: it answers each hello, and when
// a server arrives it writes one announcement to every client, with one write call each. Its cost is the
// limit for a fanout. It does nothing else.
system_kind bare_relay_kind();
// The framework's relay, whose WebSockets are Beast's instead of its own codec's, as a separate process: what
// the codec brings is measured against it. It serves WebSockets only.
system_kind beast_relay_kind();
// A relay that `serve` is, in a separate process. One listener serves handshakes and rooms.
system_kind forked_relay_kind(const char* name, wire_kind kind, void (*serve)(const listening& at));

// Direct loopback, HAProxy with and without splice, nginx (stream and WebSocket), socat, and those given as a
// command line.
std::vector<system_kind> forwarder_kinds(session& s);

// The wanted and available ones of `kinds`. Names the others as skipped.
std::vector<system_kind> available(session& s, std::vector<system_kind> kinds);

// The same in a different order in each run, so that none always comes first or after the same one.
template <class Kind>
std::vector<Kind> in_turn(std::vector<Kind> kinds, int run)
{
    if (kinds.empty()) return kinds;
    std::rotate(kinds.begin(), kinds.begin() + run % static_cast<int>(kinds.size()), kinds.end());
    if (run % 2 == 1) std::reverse(kinds.begin(), kinds.end());
    return kinds;
}

// The transports of --transports. Without it: all, or with --quick those of `quick`.
std::vector<wire_kind> wires_of(const settings& options, std::vector<wire_kind> quick);

// Splits a command line into words with the quoting of a shell, and replaces {name} by its value. Throws
// failure for an open quote or an unknown {name}.
std::vector<std::string> command_words(const std::string& line,
                                       const std::map<std::string, std::string>& values);

// Waits until `program` listens on that port of IPv4, without connecting to it. Throws failure.
void wait_until_listening(child& program, std::uint16_t port);

// A certificate for 127.0.0.1 and its key, as PEM files.
struct certificate_files {
    std::filesystem::path certificate, key;
};
// Makes both in that folder with the openssl program: self-signed, valid for a day, with a key on P-256.
// Throws failure.
certificate_files make_certificate(const std::filesystem::path& folder);

} // namespace parley::bench
