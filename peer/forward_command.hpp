// `parley forward`.
#pragma once

#include "peer/options.hpp"
#include "peer/reporter.hpp"

#include <optional>
#include <string>

namespace parley::cli {

// Exposes targets, or forwards ports to the other side's targets. Reports everything, and returns the exit status of
// the program. `code_from_environment` is PARLEY_CODE. Blocks until the end of the session or a signal.
int run_forward(const forward_command_options& options, std::optional<std::string> code_from_environment,
                reporter& out);

// The command for the other user, to reach what `options` expose, e.g. "parley forward -L 8080:localhost:80". Its
// ports are those of the targets where that is possible without privileges.
std::string forwarding_command(const forward_command_options& options);

} // namespace parley::cli
