#include "peer/proxy_option.hpp"

#include "peer/prompt.hpp"

#include <parley/base/descriptor.hpp>

#include <cstring>
#include <fcntl.h>
#include <string_view>

namespace parley::cli {
namespace {

command_result<proxy_settings> parse(const std::string& text, const std::string& source)
{
    diagnostics diag;
    auto parsed = proxy_settings::parse(text, &diag);
    if (!parsed) return command_error{exit_code::usage, source + ": " + diag.message()};
    return std::move(*parsed);
}

command_result<secret_bytes> read_first_line(const std::string& path)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    auto line = file ? read_line(file.get()) : last_system_error();
    if (line) return std::move(*line);
    const error_code error = line.error();
    if (error == errc::cancelled) return command_error{exit_code::interrupted, {}};
    return command_error{exit_code::local_file,
                         "--proxy-auth-file " + escaped(path) + ": " + error.message()};
}

} // namespace

command_result<proxy_pointer> choose_proxy(const proxy_arguments& given, const relay_address& relay,
                                           const environment_lookup& variable)
{
    const char* environment = variable ? variable("PARLEY_PROXY") : nullptr;
    const bool from_environment = given.proxy.empty() && environment != nullptr && *environment != '\0';
    const std::string text = from_environment ? environment : given.proxy;
    const std::string source = from_environment ? "PARLEY_PROXY" : "--proxy";
    if (text == "none") return proxy_pointer{};

    proxy_settings chosen;
    if (!text.empty()) {
        auto parsed = parse(text, source);
        if (!parsed) return parsed.error();
        chosen = std::move(*parsed);
    } else {
        if (!variable) return proxy_pointer{};
        diagnostics diag;
        auto found = proxy_from_environment(relay, variable, &diag);
        if (!found) return command_error{exit_code::usage, diag.message()};
        if (!*found || given.auth_file.empty()) return std::move(*found);
        chosen.kind = (*found)->kind;
        chosen.host = (*found)->host;
        chosen.port = (*found)->port;
    }
    if (!given.auth_file.empty()) {
        auto line = read_first_line(given.auth_file);
        if (!line) return line.error();
        diagnostics diag;
        if (chosen.set_credentials(line->text(), &diag))
            return command_error{exit_code::usage,
                                 "--proxy-auth-file " + escaped(given.auth_file) + ": " + diag.message()};
    }
    return proxy_pointer{std::make_shared<const proxy_settings>(std::move(chosen))};
}

void hide_proxy_credentials(int argc, char** argv) noexcept
{
    constexpr std::string_view option = "--proxy";
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        char* text = nullptr;
        if (argument == option && i + 1 < argc)
            text = argv[i + 1];
        else if (argument.starts_with("--proxy="))
            text = argv[i] + option.size() + 1;
        if (text == nullptr) continue;
        const std::string_view url = text;
        const std::size_t at = url.rfind('@');
        if (at == std::string_view::npos) continue;
        const std::size_t scheme = url.find("://");
        const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
        if (begin < at) std::memset(text + begin, 'x', at - begin);
    }
}

} // namespace parley::cli
