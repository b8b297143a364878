// The command line of `parley-relay`, read and checked into a configuration.
#pragma once

#include "relay/configuration.hpp"

#include <string>
#include <variant>
#include <vector>

namespace parley::relayd {

// The exit codes of `parley-relay`.
enum class exit_code : int {
    ok = 0,            // ended by SIGINT or SIGTERM
    internal = 1,      // a fault of the program
    usage = 2,         // an invalid command line or configuration file
    cannot_listen = 3, // cannot listen on an address
};

// There is nothing to run: print a text (to standard output when ok, else to standard error) and exit.
struct print_and_exit {
    std::string text;
    exit_code exit = exit_code::ok;
};

// Reads `arguments` (without the program's name) and the file of --config. Flags override the file. The
// returned configuration is complete. Call it again for a reload. Never throws for user input.
std::variant<relay_configuration, print_and_exit> parse_command_line(std::vector<std::string> arguments);

} // namespace parley::relayd
