#pragma once

#include <string>
#include <vector>

namespace parley::bench {

// Does what the command line says (without the program's name; `self` is that name, beside which the programs
// under test are looked for first). The exit status: 0 done, 1 something failed, 2 wrong usage. Throws
// failure.
int run_command_line(std::vector<std::string> arguments, const std::string& self);

} // namespace parley::bench
