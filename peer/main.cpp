#include "peer/code_input.hpp"
#include "peer/forward_command.hpp"
#include "peer/interrupt.hpp"
#include "peer/options.hpp"
#include "peer/probe_command.hpp"
#include "peer/proxy_option.hpp"
#include "peer/recv_command.hpp"
#include "peer/reporter.hpp"
#include "peer/send_command.hpp"
#include "peer/terminal.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/standard_descriptors.hpp>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace parley::cli {
namespace {

std::unique_ptr<reporter> make_reporter(output_form form)
{
    if (form == output_form::json)
        return make_json_reporter(descriptor_sink(STDERR_FILENO), descriptor_sink(STDOUT_FILENO));
    text_style style;
    style.quiet = form == output_form::quiet;
    if (is_terminal(STDERR_FILENO)) style.columns = [] { return terminal_width(STDERR_FILENO); };
    return make_text_reporter(descriptor_sink(STDERR_FILENO), descriptor_sink(STDOUT_FILENO),
                              std::move(style));
}

// Overwrites a code on the command line. Others may have seen it already.
void hide_argument(int argc, char** argv, const std::string& secret)
{
    for (int i = 1; i < argc; ++i)
        if (secret == argv[i]) std::memset(argv[i], 'x', std::strlen(argv[i]));
}

// A core file would hold the code, and so would the memory that another process of this user reads.
void keep_memory_private() noexcept
{
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

int run(int argc, char** argv)
{
    const char* relay = std::getenv("PARLEY_RELAY");
    const parsed_command command =
        parse_command_line({argv + 1, argv + argc}, relay != nullptr ? relay : "",
                           [](const char* name) -> const char* { return std::getenv(name); });
    hide_proxy_credentials(argc, argv);
    if (const auto* text = std::get_if<print_and_exit>(&command); text != nullptr) {
        descriptor_sink(text->exit == exit_code::ok ? STDOUT_FILENO : STDERR_FILENO)(text->text + "\n");
        return to_int(text->exit);
    }
    std::optional<std::string> code = take_code_from_environment();
    const interrupt_watch watch;
    if (const auto* send = std::get_if<send_command_options>(&command); send != nullptr) {
        const auto out = make_reporter(send->common.form);
        return run_send(*send, std::move(code), *out);
    }
    if (const auto* forward = std::get_if<forward_command_options>(&command); forward != nullptr) {
        const auto out = make_reporter(forward->common.form);
        return run_forward(*forward, std::move(code), *out);
    }
    if (const auto* probe = std::get_if<probe_command_options>(&command); probe != nullptr)
        return run_probe(*probe);
    const auto& recv = std::get<recv_command_options>(command);
    if (recv.code) hide_argument(argc, argv, *recv.code);
    const auto out = make_reporter(recv.common.form);
    return run_recv(recv, std::move(code), *out);
}

// What nobody has expected: this side lacks memory or descriptors, or it is a bug.
int fail(const std::exception& failure)
{
    const auto* system = dynamic_cast<const boost::system::system_error*>(&failure);
    const bool lacking = dynamic_cast<const std::bad_alloc*>(&failure) != nullptr ||
                         (system != nullptr && system->code() == condition::local_fault);
    descriptor_sink(STDERR_FILENO)(
        fmt::format("parley: {}{}\n", lacking ? "" : "internal error: ", escaped(failure.what())));
    return to_int(lacking ? exit_code::local_file : exit_code::internal);
}

} // namespace
} // namespace parley::cli

int main(int argc, char** argv)
{
    if (!parley::open_standard_descriptors())
        return parley::cli::to_int(parley::cli::exit_code::local_file); // there may be nobody to tell
    parley::cli::keep_memory_private();
    try {
        return parley::cli::run(argc, argv);
    } catch (const std::exception& failure) {
        return parley::cli::fail(failure);
    }
}
