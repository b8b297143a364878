// Where the code comes from.
#pragma once

#include "peer/code.hpp"
#include "peer/exit_code.hpp"

#include <optional>
#include <string>

namespace parley::cli {

// A failure of the command line itself, ready to be shown.
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

// The first of: argument, file, environment. `given` is false when there is none of them.
struct given_code {
    typed_code code;
    bool given = false;
};
command_result<given_code> read_given_code(const code_sources& sources);

// The code from the terminal `input`, without echo, or from one line of it when it is no terminal; asks on
// `output`.
command_result<typed_code> ask_code(int input, int output);

// Takes PARLEY_CODE out of the environment, so that no child sees it; empty when it is not set.
std::optional<std::string> take_code_from_environment();

} // namespace parley::cli
