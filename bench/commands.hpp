// Executes the words of the command line.
#pragma once

#include "bench/session.hpp"

#include <span>

namespace parley::bench {

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
