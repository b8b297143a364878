#pragma once

#include <string>
#include <vector>

namespace parley::bench {

// Executes the command line (without the program's name). `self` is the program's name; the programs under
// test are first looked for beside it. Returns the exit status: 0 done, 1 something failed, 2 wrong usage.
// Throws failure.
int run_command_line(std::vector<std::string> arguments, const std::string& self);

} // namespace parley::bench
