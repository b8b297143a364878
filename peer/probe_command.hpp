// `parley probe`.
#pragma once

#include "peer/options.hpp"
#include "peer/reporter.hpp"

#include <parley/session/probe.hpp>

namespace parley::cli {

// Tries the relay that `options` name, shows each step, and returns the program's exit status.
int run_probe(const probe_command_options& options);

// What the user can do about a step that failed; one sentence or two.
std::string probe_advice(const probe_step& step, const probe_command_options& options);

} // namespace parley::cli
