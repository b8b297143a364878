#include "relay/daemon.hpp"
#include "relay/embedded_site.hpp"
#include "relay/options.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/standard_descriptors.hpp>

#include <csignal>
#include <cstdio>
#include <exception>

namespace parley::relayd {
namespace {

int run(std::vector<std::string> arguments)
{
    auto parsed = parse_command_line(arguments);
    if (const auto* text = std::get_if<print_and_exit>(&parsed); text != nullptr) {
        std::FILE* file = text->exit == exit_code::ok ? stdout : stderr;
        std::fputs((text->text + "\n").c_str(), file);
        std::fflush(file);
        return static_cast<int>(text->exit);
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a log file at its limit
    daemon relay{std::get<relay_configuration>(std::move(parsed)), std::move(arguments), embedded_site()};
    return static_cast<int>(relay.run());
}

} // namespace
} // namespace parley::relayd

int main(int argc, char** argv)
{
    if (!parley::open_standard_descriptors()) return static_cast<int>(parley::relayd::exit_code::internal);
    try {
        return parley::relayd::run({argv + 1, argv + argc});
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "parley-relay: internal error: %s\n", parley::escaped(failure.what()).c_str());
        return static_cast<int>(parley::relayd::exit_code::internal);
    }
}
