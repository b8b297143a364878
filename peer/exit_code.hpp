// The exit codes of `parley`. --help and docs/usage.md list the same numbers.
#pragma once

#include <parley/session/peer_session.hpp>

namespace parley::cli {

enum class exit_code : int {
    ok = 0,
    internal = 1,        // a fault of the program
    usage = 2,           // an invalid command line, code or address
    unreachable = 3,     // the relay cannot be reached
    timed_out = 4,       // nobody came in time
    refused = 5,         // this user, the other user or the relay refused
    wrong_data = 6,      // the other side broke a rule: protocol, authentication or document
    connection_lost = 7, // the connection broke, or the other side left
    local_file = 8,      // a fault with a file or a resource on this side
    proxy = 9,           // the proxy cannot be reached or refuses
    unconfirmed = 10,    // sender: the receiver ended before it confirmed
    guessed = 11,        // too many peers with another code came: somebody may be guessing
    incomplete = 12,     // the document has passed, but without some of its paths
    interrupted = 128,   // plus the signal's number: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP
};

constexpr int to_int(exit_code code) noexcept
{
    return static_cast<int>(code);
}

// The exit code of a program that `signal` (SIGINT, …) has ended.
constexpr int exit_code_for_signal(int signal) noexcept
{
    return to_int(exit_code::interrupted) + signal;
}

// The exit code for the condition of `error`. `phase` distinguishes a relay that cannot be reached from a
// connection that broke. `cancelled` becomes `interrupted`; the caller adds the signal's number.
exit_code exit_code_for(const error_code& error, session_phase phase) noexcept;

} // namespace parley::cli
