// `parley recv`.
#pragma once

#include "peer/options.hpp"
#include "peer/reporter.hpp"

#include <optional>
#include <string>

namespace parley::cli {

// Receives one document, reports everything, and returns the exit status of the program.
// `code_from_environment` is PARLEY_CODE. Blocks until the end or a signal.
int run_recv(const recv_command_options& options, std::optional<std::string> code_from_environment,
             reporter& out);

} // namespace parley::cli
