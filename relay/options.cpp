#include "relay/options.hpp"

#include <parley/base/bytes.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace parley::relayd {
namespace {

constexpr const char* footer = R"(When it listens, the relay writes one line to standard output:
  parley-relay ready: handshake ADDR:PORT…, rooms ADDR:PORT…
or, with --json, {"event":"ready","handshake":["ADDR:PORT",…],"rooms":[…]}.
Logs go to standard error. SIGINT and SIGTERM end it.

Exit codes:
  0  ended by a signal        2  wrong usage
  1  a fault of the program   3  cannot listen on an address)";

constexpr double longest_timeout_seconds = 31'536'000.0;

std::chrono::milliseconds to_milliseconds(double seconds)
{
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

// The addresses of one option; empty `wrong` when all can be read.
std::vector<listen_address> read_addresses(const char* option, const std::vector<std::string>& texts,
                                           std::string& wrong)
{
    std::vector<listen_address> addresses;
    for (const std::string& text : texts) {
        std::string why;
        const result<listen_address> address = listen_address::parse(text, &why);
        if (!address) {
            wrong = fmt::format("{} {}: {}", option, escaped(text),
                                why.empty() ? address.error().message() : why);
            return {};
        }
        addresses.push_back(*address);
    }
    return addresses;
}

print_and_exit usage_error(std::string_view what)
{
    return {fmt::format("parley-relay: {}\nTry parley-relay --help.", what), exit_code::usage};
}

} // namespace

std::variant<relay_configuration, print_and_exit> parse_command_line(std::vector<std::string> arguments)
{
    relay_configuration configuration;
    std::vector<std::string> listen, room_listen;
    double timeout_seconds = 3600, room_timeout_seconds = 30, ping_seconds = 25;
    std::string level = "info", format = "text";
    bool quiet = false;

    CLI::App app{"Introduces the two ends of a transfer to each other and joins them, knowing nothing of "
                 "what passes."};
    app.name("parley-relay");
    app.footer(footer);
    app.set_version_flag("--version", std::string{"parley-relay "} + PARLEY_VERSION, "Show the version");
    const auto address_option = [&](const char* name, std::vector<std::string>& out,
                                    const std::string& help) {
        app.add_option(name, out, help)
            ->type_name("ADDR:PORT")
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    };
    address_option(
        "--listen", listen,
        fmt::format("Where peers come: a.b.c.d:PORT, [v6]:PORT or *:PORT, port 0 for a free one; tls://, "
                    "ws:// or wss:// before it, or unix:/PATH; may be repeated (default: *:{})",
                    default_port));
    address_option(
        "--room-listen", room_listen,
        fmt::format("Where rooms are; may be repeated (default: port {} where --listen is; ws and wss need "
                    "none)",
                    default_room_port));
    const CLI::Validator seconds = CLI::Range(0.001, longest_timeout_seconds).description("");
    app.add_option("--timeout", timeout_seconds,
                   "How many seconds a peer may wait for another (default: 3600)")
        ->check(seconds)
        ->type_name("SECONDS");
    app.add_option("--room-timeout", room_timeout_seconds,
                   "How many seconds after an agreement both must have come to their room (default: 30)")
        ->check(seconds)
        ->type_name("SECONDS");
    app.add_option(
           "--ping-interval", ping_seconds,
           "How many seconds between the pings that keep a waiting WebSocket open; one that is silent "
           "for twice as long is dropped (default: 25)")
        ->check(seconds)
        ->type_name("SECONDS");
    CLI::Option* certificate =
        app.add_option("--tls-certificate", configuration.tls_certificate,
                       "The certificate and its chain (PEM) that tls and wss addresses show")
            ->type_name("FILE");
    CLI::Option* key = app.add_option("--tls-key", configuration.tls_key, "The key (PEM) of that certificate")
                           ->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    app.add_flag("--json", configuration.json, "Write the ready line as a JSON object");
    CLI::Option* level_option =
        app.add_option("--log-level", level, "debug, info, warning or error (default: info)")
            ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""))
            ->type_name("LEVEL");
    app.add_option("--log-format", format, "text or json (default: text)")
        ->check(CLI::IsMember({"text", "json"}).description(""))
        ->type_name("FORMAT");
    app.add_flag("-q,--quiet", quiet, "Log errors only")->excludes(level_option);

    try {
        std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants them
        app.parse(std::move(arguments));
    } catch (const CLI::Success& success) {
        std::ostringstream out;
        app.exit(success, out, out);
        std::string text = out.str();
        while (text.ends_with('\n')) text.pop_back();
        return print_and_exit{text, exit_code::ok};
    } catch (const CLI::ParseError& error) {
        return usage_error(escaped(error.what()));
    }

    std::string wrong;
    configuration.listen = read_addresses("--listen", listen, wrong);
    if (wrong.empty()) configuration.room_listen = read_addresses("--room-listen", room_listen, wrong);
    if (!wrong.empty()) return usage_error(wrong);
    for (const auto* addresses : {&configuration.listen, &configuration.room_listen})
        for (const listen_address& address : *addresses)
            if ((address.scheme == "tls" || address.scheme == "wss") && configuration.tls_certificate.empty())
                return usage_error(escaped(address.text()) + ": --tls-certificate and --tls-key are missing");
    configuration.timeout = to_milliseconds(timeout_seconds);
    configuration.room_timeout = to_milliseconds(room_timeout_seconds);
    configuration.ping_interval = to_milliseconds(ping_seconds);
    const std::map<std::string, log_level> levels{{"debug", log_level::debug},
                                                  {"info", log_level::info},
                                                  {"warning", log_level::warning},
                                                  {"error", log_level::error}};
    configuration.level = quiet ? log_level::error : levels.at(level);
    configuration.format = format == "json" ? log_format::json : log_format::text;
    complete(configuration);
    return configuration;
}

} // namespace parley::relayd
