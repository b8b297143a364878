// `parley send`.
#pragma once

#include "peer/options.hpp"
#include "peer/reporter.hpp"

#include <optional>
#include <string>

namespace parley::cli {

// Sends what `options` name, reports everything, and returns the exit status of the program.
// `code_from_environment` is PARLEY_CODE. Blocks until the end or a signal.
int run_send(const send_command_options& options, std::optional<std::string> code_from_environment,
             reporter& out);

// The command for the other user, to receive from the relay of `common`, e.g. "parley recv --relay
// example.org".
std::string receiving_command(const common_options& common);

} // namespace parley::cli
