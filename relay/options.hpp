// The command line of `parley-relay`, read and checked into a configuration.
#pragma once

#include "relay/configuration.hpp"

#include <string>
#include <variant>
#include <vector>

namespace parley::relayd {

// How `parley-relay` ends.
enum class exit_code : int {
    ok = 0,            // ended by SIGINT or SIGTERM
    internal = 1,      // a fault of the program
    usage = 2,         // a wrong command line or configuration file
    cannot_listen = 3, // an address that cannot be listened on
};

// Nothing to run: a text to print and the exit code (to standard output when ok, else to standard error).
struct print_and_exit {
    std::string text;
    exit_code exit = exit_code::ok;
};

// Reads `arguments` (without the program's name) and the file of --config, over which flags win; a
// configuration that comes back is complete. To be called again for a reload. Never throws for what a user
// types.
std::variant<relay_configuration, print_and_exit> parse_command_line(std::vector<std::string> arguments);

} // namespace parley::relayd
