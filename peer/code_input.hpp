// Reads the code from its source.
#pragma once

#include "peer/exit_code.hpp"

#include <parley/base/code.hpp>

#include <optional>
#include <string>

namespace parley::cli {

// A failure of the command line, as the user sees it.
struct command_error {
    exit_code exit = exit_code::internal;
    std::string message; // safe to print
};

template <class T>
using command_result = boost::system::result<T, command_error>;
[[noreturn]] void throw_exception_from_error(const command_error& error,
                                             const boost::source_location& location);

struct code_sources {
    std::optional<std::string> argument;    // receiver only
    std::optional<std::string> file;        // --code-file; "-" is standard input
    std::optional<std::string> environment; // PARLEY_CODE
};

// The first one set of: argument, file, environment. `given` is false if none is set.
struct given_code {
    typed_code code;
    bool given = false;
};
command_result<given_code> read_given_code(const code_sources& sources);

// Asks on `output` and reads the code from the terminal `input` without echo. If `input` is not a terminal,
// reads one line.
command_result<typed_code> ask_code(int input, int output);

// Removes PARLEY_CODE from the environment, so that no child sees it. Nothing if it is not set.
std::optional<std::string> take_code_from_environment();

} // namespace parley::cli
