#pragma once

#include "bench/session.hpp"

#include <span>

namespace parley::bench {

// Executes the command line (without the program's name). `self` is the program's name; the programs under
// test are first looked for beside it. Returns the exit status: 0 done, 1 something failed, 2 wrong usage.
// Throws failure.
int run_command_line(std::vector<std::string> arguments, const std::string& self);

struct benchmark {
    const char* name;
    const char* help;
    void (*run)(session& s);
};
// In the order in which `all` runs them.
std::span<const benchmark> benchmarks() noexcept;

// Runs one benchmark, or "all". Prints a table of ratios and one of values, and writes `json` unless it is
// empty. Returns the exit status of the program. Throws failure.
int measure_command(const std::string& name, const settings& s, const std::string& json);

} // namespace parley::bench
