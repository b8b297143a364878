#include "bench/commands.hpp"

#include <parley/base/bytes.hpp>

#include <csignal>
#include <cstdio>
#include <exception>

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return parley::bench::run_command_line({argv + 1, argv + argc}, argv[0]);
    } catch (const std::exception& why) {
        std::fprintf(stderr, "parley-bench: %s\n", parley::escaped(why.what()).c_str());
        return 1;
    }
}
