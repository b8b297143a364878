// `parley probe`.
#pragma once

#include "peer/options.hpp"
#include "peer/reporter.hpp"

#include <parley/session/probe.hpp>

namespace parley::cli {

// Tests the relay of `options`, shows each step, and returns the exit status of the program.
int run_probe(const probe_command_options& options);

// Says in one or two sentences what the user can do about a failed step.
std::string probe_advice(const probe_step& step, const probe_command_options& options);

} // namespace parley::cli
