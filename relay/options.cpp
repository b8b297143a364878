#include "relay/options.hpp"

#include "relay/config_file.hpp"
#include "relay/settings.hpp"

#include <parley/base/bytes.hpp>
#include <parley/transport/tls.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <deque>

namespace parley::relayd {
namespace {

constexpr const char* footer =
    R"(The configuration file holds the same settings as members of one JSON object.
Flags take precedence. SIGHUP makes the relay read the file again.

When all addresses are bound, the relay writes one line to standard output:
  parley-relay ready: handshake ADDR:PORT…, rooms ADDR:PORT…
or, with --json, {"event":"ready","handshake":["ADDR:PORT",…],"rooms":[…]}.
Logs go to standard error. After SIGTERM or SIGINT the relay accepts no new
peers and lets rooms end. A second signal stops it.

Exit codes:
  0  ended by a signal   2  wrong usage or configuration
  1  internal error      3  cannot listen on an address)";

// The flag of one setting and its values.
struct flag {
    const setting* what;
    std::string text;               // of a flag that is not repeated
    std::vector<std::string> texts; // of a repeated flag
    CLI::Option* option = nullptr;
};

std::string help_of(const setting& s, const relay_configuration& defaults)
{
    std::string out{s.help};
    if (s.repeated()) out += "; may be repeated";
    const nlohmann::ordered_json standard = s.read(defaults);
    const bool unset = standard.is_array() ? standard.empty() : standard == "" || standard == false;
    if (s.type == setting_type::choice) out += fmt::format(": {}", fmt::join(s.choices, ", "));
    if (s.type == setting_type::choices)
        out += fmt::format(": {}; \"\" for none", fmt::join(s.choices, ", "));
    if (unset) return out;
    std::string text;
    if (standard.is_array())
        for (const auto& each : standard) text += (text.empty() ? "" : ", ") + each.get<std::string>();
    else
        text = standard.is_string() ? standard.get<std::string>() : standard.dump();
    const std::string zero =
        s.least == 0 && standard.is_number() ? fmt::format("0: {}; ", s.zero) : std::string{};
    return out + fmt::format(" ({}default: {})", zero, text);
}

void add_flag(CLI::App& app, flag& f, const relay_configuration& defaults)
{
    const std::string name = "--" + std::string{f.what->name};
    const std::string help = help_of(*f.what, defaults);
    if (f.what->type == setting_type::yes_no)
        f.option = app.add_flag(name, f.text, help);
    else if (f.what->repeated())
        f.option = app.add_option(name, f.texts, help)
                       ->expected(1)
                       ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    else
        f.option = app.add_option(name, f.text, help);
    if (f.what->type != setting_type::yes_no) f.option->type_name(std::string{f.what->value});
}

// Puts the flag into the configuration. Returns what is wrong, or nothing.
std::string apply(const flag& f, relay_configuration& configuration)
{
    if (f.option->count() == 0) return {};
    std::vector<std::string> texts = f.what->repeated() ? f.texts : std::vector{f.text};
    if (f.what->repeated() && texts == std::vector<std::string>{""}) texts.clear();
    const std::string wrong = assign_texts(configuration, *f.what, texts);
    return wrong.empty() ? wrong : fmt::format("--{} {}", f.what->name, wrong);
}

print_and_exit usage_error(std::string_view what)
{
    return {fmt::format("parley-relay: {}\nTry parley-relay --help.", what), exit_code::usage};
}

} // namespace

std::variant<relay_configuration, print_and_exit> parse_command_line(std::vector<std::string> arguments)
{
    relay_configuration configuration;
    const relay_configuration defaults = default_configuration();
    std::string config_file;
    bool quiet = false, check = false, print = false, print_table = false;

    CLI::App app{
        "Introduces the two peers of a transfer and joins their connections. Cannot read what passes."};
    app.name("parley-relay");
    app.footer(footer);
    app.set_version_flag("--version", std::string{"parley-relay "} + PARLEY_VERSION, "Show the version");
    CLI::Option* config =
        app.add_option("--config", config_file, "Read settings from a file (JSON)")->type_name("FILE");
    app.add_flag("--check-config", check, "Check all settings and the files they name, then exit");
    app.add_flag("--print-config", print, "Print all settings as a configuration file, then exit");
    app.add_flag("--print-settings", print_table, "Print a Markdown table of all settings, then exit");
    std::deque<flag> flags;
    for (const setting& s : settings()) {
        flags.push_back({&s, {}, {}});
        add_flag(app, flags.back(), defaults);
    }
    app.add_flag("-q,--quiet", quiet, "Log errors only")->excludes(app.get_option("--log-level"));

    try {
        std::reverse(arguments.begin(), arguments.end()); // CLI11 expects this order
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
    if (print_table) {
        std::string text = settings_table();
        text.pop_back();
        return print_and_exit{std::move(text), exit_code::ok};
    }

    if (config->count() != 0) {
        const std::vector<std::string> problems = read_config_file(configuration, config_file);
        if (!problems.empty())
            return print_and_exit{fmt::format("parley-relay: {}", fmt::join(problems, "\nparley-relay: ")),
                                  exit_code::usage};
    }
    for (const flag& f : flags)
        if (const std::string wrong = apply(f, configuration); !wrong.empty()) return usage_error(wrong);
    if (quiet) configuration.level = log_level::error;
    complete(configuration);
    if (const std::string wrong = contradiction(configuration); !wrong.empty()) return usage_error(wrong);

    if (check && !configuration.tls_certificate.empty()) {
        diagnostics diag;
        tls_identity identity;
        if (identity.load(configuration.tls_certificate, configuration.tls_key, &diag))
            return print_and_exit{"parley-relay: " + diag.message(), exit_code::usage};
    }
    if (print) return print_and_exit{print_configuration(configuration), exit_code::ok};
    if (check) return print_and_exit{"parley-relay: the configuration is in order", exit_code::ok};
    return configuration;
}

} // namespace parley::relayd
