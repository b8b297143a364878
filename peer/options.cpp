#include "peer/options.hpp"

#include "peer/proxy_option.hpp"

#include <parley/base/bytes.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace parley::cli {
namespace {

constexpr std::string_view exit_codes_text = R"(Exit codes:
  0  success                         6  wrong data: a broken rule or checksum
  1  internal error                  7  connection lost, or the other side left
  2  wrong usage, code or address    8  a file or a resource on this side
  3  the relay cannot be reached   129  ended by SIGHUP
  4  nobody came in time           130  interrupted (Ctrl-C)
  5  refused, by either side       143  ended by SIGTERM
  9  the proxy cannot be reached, or refuses
 10  the other side ended before it confirmed; it may not have the document
 11  too many others with another code came; somebody may be guessing
 12  done, but without some paths: links, unreadable files, impossible names)";

constexpr std::string_view send_notes =
    R"(PATH is a file or a directory; several are sent together. "-" is standard input
until its end. The code comes from --code-file, or else from PARLEY_CODE.
Otherwise parley makes a code and shows it. parley sends names that begin with a
dot, links that stay in the document, modes and times. It skips and reports
other links, special files and what it cannot read; then it ends with exit code
12.

A broken connection is continued by both sides. "Sent" means that the receiver
has stored the document. A receiver that speaks only version 1 of the session
cannot say so, and gets neither links nor several paths: see --session.

)";

constexpr std::string_view recv_notes =
    R"(parley asks before it receives anything: it shows what is offered, the sender's
address and the free space. "l" lists every path. (A sender of version 1 of the
session shows its document only at its end, so parley asks twice.)

A broken connection is continued by both sides. If the program ends before the
document is complete, what has come is kept in a hidden folder at the
destination. The next "parley recv" there goes on with it if the same document
is offered; after seven days it is removed.

The code comes from the first of these that exists: the argument (other users
can see it in the process list), --code-file, PARLEY_CODE, the terminal (parley
asks and does not show what you type), one line of standard input. Spaces,
dashes and case do not matter in a code that `parley send` has made. Type any
other password exactly.

)";

constexpr std::string_view forward_notes =
    R"(One side exposes targets, which it can reach. The other side listens, and each
connection to its ports goes to a target, as the exposing side sees it. HOST may
be a name or an address. It must be the same text on both sides. Nothing else can
be reached. Without ADDR, -L listens on the loopback addresses only; "*" is every
address, and then other computers reach the port, too. With PORT 0 before the
target, the system picks one.

  parley forward --expose localhost:22 db:5432
  parley forward -L 2222:localhost:22 -L 5432:db:5432

With --expose, the code comes from --code-file, or else from PARLEY_CODE.
Otherwise parley makes a code and shows it. With -L, the code comes from the first
of these that exists: --code-file, PARLEY_CODE, the terminal (parley asks and does
not show what you type), one line of standard input. A code lets one side in, once.

Ctrl-C on either side ends it; the other side then ends with exit code 0. A
connection to the relay that breaks ends it, too: it is not continued.

)";

constexpr std::string_view probe_notes =
    R"(Resolves the relay's name and connects, through the proxy if there is one. Sets
up TLS and the WebSocket if the address asks for them. Then a sender and a
receiver inside the program do a whole handshake with a random password, enter a
room and exchange a few KiB. The probe shows each step with its duration. If a
step fails, the probe says what to do about it.

Exit codes:
  0  every step succeeded          6  the relay broke a rule
  1  internal error                7  the connection was lost
  2  wrong usage or address        8  a file or a resource on this side
  3  the relay cannot be reached   9  the proxy cannot be reached, or refuses
  4  a step took too long        130  interrupted (Ctrl-C)
  5  the relay refused           143  ended by SIGTERM)";

// The raw values from CLI11, before the other checks.
struct raw_common {
    std::string relay;
    std::string code_file;
    std::string ca_file;
    std::string session = "auto";
    proxy_arguments proxy;
    std::uint16_t room_port = 0;
    double timeout_seconds = 3600, connect_timeout_seconds = 15, idle_timeout_seconds = 60;
    std::uint64_t max_wrong_codes = default_max_guesses;
    bool quiet = false;
    bool json = false;
};

CLI::Option* add_option(CLI::App& command, const char* flag, auto& out, const char* type,
                        const std::string& help)
{
    return command.add_option(flag, out, help)->type_name(type);
}

// The options of all commands that connect to a relay.
void add_connecting(CLI::App& command, std::string& ca_file, proxy_arguments& proxy)
{
    add_option(command, "--ca-file", ca_file, "FILE",
               "Trust the certificate authorities in FILE (PEM) instead of the system's, for tls and wss");
    add_option(command, "--proxy", proxy.proxy, "URL",
               "Connect through a proxy: http://HOST[:PORT], socks5://HOST[:PORT] or none (default: "
               "PARLEY_PROXY, or else https_proxy, http_proxy, all_proxy and no_proxy)");
    add_option(command, "--proxy-auth-file", proxy.auth_file, "FILE",
               "Read the proxy's USER:PASSWORD from the first line of FILE");
}

// The options of all commands that meet somebody.
void add_meeting(CLI::App& command, raw_common& raw)
{
    add_option(command, "--relay", raw.relay, "ADDRESS",
               fmt::format("The relay: [tcp://|tls://]HOST[:PORT[,ROOM_PORT]], ws://HOST[:PORT][/PATH], the "
                           "same with wss, or unix:/PATH (default: PARLEY_RELAY, or else {})",
                           default_relay));
    add_option(command, "--room-port", raw.room_port, "PORT", "The relay's port for rooms (default: 9001)")
        ->check(CLI::Range(1, 65535).description(""));
    add_connecting(command, raw.ca_file, raw.proxy);
    add_option(command, "--code-file", raw.code_file, "FILE",
               "Read the code from the first line of FILE (\"-\" is standard input)");
    add_option(command, "--timeout", raw.timeout_seconds, "SECONDS",
               "How long to wait for the other side (default: 3600)")
        ->check(CLI::Range(0.001, 31'536'000.0).description(""));
    add_option(command, "--connect-timeout", raw.connect_timeout_seconds, "SECONDS",
               "How long each connection to the relay may take, up to the relay's first answer (default: 15)")
        ->check(CLI::Range(0.001, 3600.0).description(""));
    add_option(command, "--max-wrong-codes", raw.max_wrong_codes, "N",
               "Stop when more than N others with another code have come; 0 for any number (default: 10000)");
    CLI::Option* quiet = command.add_flag("-q,--quiet", raw.quiet, "Show failures only");
    command.add_flag("--json", raw.json, "Write one JSON object per line to standard output")
        ->excludes(quiet);
}

// The options of all commands that pass a document.
void add_common(CLI::App& command, raw_common& raw)
{
    add_meeting(command, raw);
    add_option(command, "--idle-timeout", raw.idle_timeout_seconds, "SECONDS",
               "How long a transfer of version 1 may go without a byte (default: 60)")
        ->check(CLI::Range(0.001, 31'536'000.0).description(""));
    add_option(command, "--session", raw.session, "VERSION",
               "The version of the session: 1 (as other programs speak it), 2, or auto (default: auto)")
        ->check(CLI::IsMember({"1", "2", "auto"}).description(""));
}

// The message, with a hint where to read more.
print_and_exit usage_error(std::string_view what)
{
    return {fmt::format("parley: {}\nTry parley --help.", what), exit_code::usage};
}

using failed_check = std::optional<print_and_exit>;

failed_check wrong(const command_error& error)
{
    print_and_exit out = usage_error(error.message);
    out.exit = error.exit;
    return out;
}

// The environment of a command line.
struct surroundings {
    std::string relay; // PARLEY_RELAY
    environment_lookup variable;
};

// Reads the relay's address from `given` (the value of `option`), else from PARLEY_RELAY, else the default.
// Stores in `text` what was read, unless it is the default.
failed_check choose_relay(const std::string& given, std::string_view option, const surroundings& around,
                          relay_address& out, std::string* text)
{
    const bool from_environment = given.empty() && !around.relay.empty();
    const std::string chosen = !given.empty()     ? given
                               : from_environment ? around.relay
                                                  : std::string{default_relay};
    diagnostics diag;
    result<relay_address> relay = relay_address::parse(chosen, &diag);
    if (!relay)
        return usage_error(fmt::format("{} {}: {}", from_environment ? "PARLEY_RELAY" : option,
                                       escaped(chosen),
                                       diag.empty() ? relay.error().message() : diag.message()));
    out = std::move(*relay);
    if (text != nullptr && (from_environment || !given.empty())) *text = chosen;
    return {};
}

std::chrono::milliseconds milliseconds_of(double seconds)
{
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

// The checks that CLI11 does not do. Nothing when everything is right.
failed_check check_common(const raw_common& raw, const surroundings& around, common_options& out)
{
    if (auto failed = choose_relay(raw.relay, "--relay", around, out.relay, &out.relay_text)) return failed;
    if (raw.room_port != 0) {
        out.room_port = raw.room_port;
        out.relay.room_port = raw.room_port;
    }
    if (!raw.code_file.empty()) out.code_file = raw.code_file;
    out.ca_file = raw.ca_file;
    auto proxy = choose_proxy(raw.proxy, out.relay, around.variable);
    if (!proxy) return wrong(proxy.error());
    out.proxy = std::move(*proxy);
    out.timeout = milliseconds_of(raw.timeout_seconds);
    out.connect_timeout = milliseconds_of(raw.connect_timeout_seconds);
    out.idle_timeout = milliseconds_of(raw.idle_timeout_seconds);
    out.max_wrong_codes = raw.max_wrong_codes;
    out.session = raw.session == "1"   ? session_versions::only_1
                  : raw.session == "2" ? session_versions::only_2
                                       : session_versions::both;
    out.form = raw.json ? output_form::json : raw.quiet ? output_form::quiet : output_form::text;
    return {};
}

// A decimal number; nothing for anything else.
std::optional<std::uint64_t> read_number(std::string_view text)
{
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

// Reads each of `texts`, the values of `option`, into `out`.
template <class T, class Parse>
failed_check read_all(const std::vector<std::string>& texts, std::string_view option, Parse parse,
                      std::vector<T>& out)
{
    for (const std::string& text : texts) {
        diagnostics diag;
        result<T> value = parse(text, &diag);
        if (!value)
            return usage_error(fmt::format("{} {}: {}", option, escaped(text),
                                           diag.empty() ? value.error().message() : diag.message()));
        out.push_back(std::move(*value));
    }
    return {};
}

// The parser of all commands, and the storage for its results.
class command_line {
public:
    command_line()
    {
        app_.name("parley");
        app_.set_version_flag("--version", std::string{"parley "} + PARLEY_VERSION, "Show the version");
        app_.require_subcommand(1);
        app_.footer(fmt::format("Run parley COMMAND --help for more.\n\n{}", exit_codes_text));
        set_up_send();
        set_up_recv();
        set_up_forward();
        set_up_probe();
    }

    parsed_command parse(std::vector<std::string> arguments, const surroundings& around)
    {
        try {
            std::reverse(arguments.begin(), arguments.end()); // CLI11 expects this order
            app_.parse(std::move(arguments));
        } catch (const CLI::Success& success) {
            return print_and_exit{message_of(success), exit_code::ok};
        } catch (const CLI::ParseError& error) {
            return usage_error(escaped(error.what()));
        }
        if (send_->parsed()) return finish_send(around);
        if (forward_->parsed()) return finish_forward(around);
        if (probe_->parsed()) return finish_probe(around);
        return finish_recv(around);
    }

private:
    void set_up_send()
    {
        send_ = app_.add_subcommand("send", "Send a file, a directory, a text or standard input");
        send_->footer(std::string{send_notes} + std::string{exit_codes_text});
        path_ = add_option(*send_, "PATH", path_texts_, "", "What to send; \"-\" is standard input");
        text_ = add_option(*send_, "--text", text_value_, "TEXT", "Send this text instead")->excludes(path_);
        name_ = add_option(
            *send_, "--name", name_value_, "NAME",
            "What the receiver sees (default: the name of PATH, none for several, stdin for standard "
            "input). A text with a name is sent as a file, others are shown");
        add_option(*send_, "--exclude", exclude_, "GLOB",
                   "Leave out what matches, by name or by path in the document, for example \"*.o\" or "
                   "\"build/**\"; may be repeated")
            ->allow_extra_args(false);
        add_option(*send_, "--receivers", receivers_, "N",
                   "Serve N receivers with one code, or any number: unlimited (default: 1)");
        CLI::Option* compress = send_->add_flag("--compress", compress_, "Compress everything");
        send_->add_flag("--no-compress", no_compress_, "Compress nothing (default: compress what shrinks)")
            ->excludes(compress);
        add_option(
            *send_, "--records", records_, "LAYOUT",
            "Layout of the encrypted records: current, or original for a receiver from before March 2025")
            ->check(CLI::IsMember({"current", "original"}).description(""));
        add_common(*send_, send_raw_);
    }

    void set_up_recv()
    {
        recv_ = app_.add_subcommand("recv", "Receive what somebody sends");
        recv_->footer(std::string{recv_notes} + std::string{exit_codes_text});
        code_ = add_option(*recv_, "CODE", code_value_, "", "The code; it is safer to type it when asked");
        recv_->add_flag("-y,--yes", yes_, "Receive the document without asking");
        recv_->add_flag(
            "--allow-dot", allow_dot_,
            "With -y: receive a document whose name begins with a dot, too (without -y, parley asks)");
        CLI::Option* rename = recv_->add_flag(
            "--rename", rename_,
            "If the name is taken, receive the document under another one, for example \"name (1)\" "
            "(without -y, parley asks)");
        CLI::Option* overwrite =
            recv_
                ->add_flag(
                    "--overwrite", overwrite_,
                    "If the name is taken, replace files one by one; a folder is merged with the one there")
                ->excludes(rename);
        recv_
            ->add_flag("--keep-going", keep_going_,
                       "Place what can be placed, and leave out names that are taken or cannot be here")
            ->excludes(rename)
            ->excludes(overwrite);
        recv_->add_flag("--no-keep", no_keep_, "Keep nothing of a document that is not complete");
        output_ =
            add_option(*recv_, "-o,--output", output_value_, "PATH",
                       "An existing directory to receive into, or a new path for the document; \"-\" is "
                       "standard output, for a single file (default: here, under the offered name)");
        add_option(
            *recv_, "--max-size", max_size_, "SIZE",
            "Refuse a document that takes more bytes on the disk, for example 500MiB (default: what is free, "
            "less 64 MiB or 1/64 of a small disk)")
            ->transform(CLI::AsSizeValue(false).description(""))
            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 62).description(""));
        max_paths_option_ = add_option(
            *recv_, "--max-paths", max_paths_, "N",
            "Refuse a document of more files and directories (default: 2000000; with -y 200000 if it repeats "
            "its contents more than ten times)");
        max_paths_option_->check(CLI::Range(1, 1'000'000'000).description(""));
        add_option(*recv_, "--max-iterations", max_iterations_, "N",
                   "Accept senders that ask for up to N iterations of key derivation (default: 4096)")
            ->check(CLI::PositiveNumber.description(""));
        add_common(*recv_, recv_raw_);
    }

    void set_up_forward()
    {
        forward_ = app_.add_subcommand("forward", "Reach TCP ports of the other side");
        forward_->footer(std::string{forward_notes} + std::string{exit_codes_text});
        CLI::Option* expose =
            add_option(*forward_, "--expose", expose_, "HOST:PORT",
                       "Let the other side reach this target; several may follow, and it may be repeated");
        add_option(*forward_, "-L,--listen", listen_, "[ADDR:]PORT:HOST:PORT",
                   "Listen on this port, and forward its connections to a target of the other side; may be "
                   "repeated")
            ->allow_extra_args(false)
            ->excludes(expose);
        add_meeting(*forward_, forward_raw_);
    }

    void set_up_probe()
    {
        probe_ = app_.add_subcommand("probe", "Test a relay step by step, and say what is wrong");
        probe_->footer(std::string{probe_notes});
        add_option(*probe_, "ADDRESS", probe_relay_, "",
                   fmt::format("The relay (default: PARLEY_RELAY, or else {})", default_relay));
        add_connecting(*probe_, probe_ca_file_, probe_proxy_);
        add_option(*probe_, "--timeout", probe_timeout_, "SECONDS",
                   "How long each step may take (default: 15)")
            ->check(CLI::Range(0.001, 3600.0).description(""));
        probe_->add_flag("--json", probe_json_, "Write one JSON object per line to standard output");
    }

    parsed_command finish_probe(const surroundings& around)
    {
        probe_command_options options;
        if (auto failed = choose_relay(probe_relay_, "the address", around, options.relay, nullptr))
            return std::move(*failed);
        auto proxy = choose_proxy(probe_proxy_, options.relay, around.variable);
        if (!proxy) return std::move(*wrong(proxy.error()));
        options.proxy = std::move(*proxy);
        options.ca_file = probe_ca_file_;
        options.timeout = milliseconds_of(probe_timeout_);
        options.json = probe_json_;
        return options;
    }

    parsed_command finish_forward(const surroundings& around)
    {
        forward_command_options options;
        if (auto failed = check_common(forward_raw_, around, options.common)) return std::move(*failed);
        if (expose_.empty() && listen_.empty())
            return usage_error(
                "nothing to forward: give --expose HOST:PORT, or -L [ADDR:]PORT:HOST:PORT on the other side");
        if (auto failed = read_all(expose_, "--expose", parse_forward_target, options.exposed))
            return std::move(*failed);
        if (auto failed = read_all(listen_, "-L", forward_rule::parse, options.rules))
            return std::move(*failed);
        return options;
    }

    parsed_command finish_send(const surroundings& around)
    {
        send_command_options options;
        if (auto failed = check_common(send_raw_, around, options.common)) return std::move(*failed);
        using kind = send_command_options::source_kind;
        if (text_->count() != 0) {
            options.kind = kind::text;
            options.text = std::move(text_value_);
        } else if (path_texts_.empty() || std::ranges::count(path_texts_, "") != 0) {
            return usage_error("nothing to send: give a PATH, \"-\" or --text");
        } else if (std::ranges::count(path_texts_, "-") != 0) {
            if (path_texts_.size() != 1)
                return usage_error("standard input (\"-\") cannot be sent beside paths");
            options.kind = kind::standard_input;
        } else {
            options.paths.assign(path_texts_.begin(), path_texts_.end());
        }
        options.exclude = std::move(exclude_);
        if (receivers_ == "unlimited") {
            options.receivers = 0;
        } else if (auto number = read_number(receivers_); number && *number != 0) {
            options.receivers = *number;
        } else {
            return usage_error("--receivers: neither a number above 0 nor unlimited");
        }
        const bool old = options.common.session == session_versions::only_1;
        if (old && options.paths.size() > 1)
            return usage_error("version 1 of the session carries one PATH; leave out --session 1");
        if (old && !options.exclude.empty())
            return usage_error("version 1 of the session has no --exclude; leave out --session 1");
        if (old && options.receivers != 1)
            return usage_error("version 1 of the session has one receiver; leave out --session 1");
        if (name_->count() != 0) options.name = std::move(name_value_);
        if (options.kind == kind::standard_input && options.common.code_file == "-")
            return usage_error("standard input cannot be both the document and the code");
        options.compress = compress_      ? compression::always
                           : no_compress_ ? compression::never
                                          : compression::sampled;
        options.layout = records_ == "original" ? record_layout::original : record_layout::current;
        return options;
    }

    parsed_command finish_recv(const surroundings& around)
    {
        recv_command_options options;
        if (auto failed = check_common(recv_raw_, around, options.common)) return std::move(*failed);
        if (code_->count() != 0) options.code = std::move(code_value_);
        options.yes = yes_;
        options.allow_dot = allow_dot_;
        options.when_taken = rename_       ? taken_action::rename
                             : overwrite_  ? taken_action::overwrite
                             : keep_going_ ? taken_action::keep_going
                                           : taken_action::refuse;
        options.keep = !no_keep_;
        options.max_size_bytes = max_size_;
        if (max_paths_option_->count() != 0) options.max_paths = max_paths_;
        options.max_iterations = max_iterations_;
        if (output_->count() != 0) {
            if (output_value_.empty()) return usage_error("--output: an empty path");
            options.output = std::move(output_value_);
        }
        if (options.output == "-" && options.common.form == output_form::json)
            return usage_error("standard output cannot be both the document (-o -) and the report (--json)");
        return options;
    }

    std::string message_of(const CLI::Success& success)
    {
        std::ostringstream out;
        app_.exit(success, out, out);
        std::string text = out.str();
        while (text.ends_with('\n')) text.pop_back();
        return text;
    }

    CLI::App app_{
        "Passes documents and connections from one person to another through a relay that cannot read them."};
    CLI::App* send_ = nullptr;
    CLI::App* recv_ = nullptr;
    CLI::App* forward_ = nullptr;
    CLI::App* probe_ = nullptr;
    CLI::Option* max_paths_option_ = nullptr;
    std::uint64_t max_size_ = UINT64_MAX;
    std::uint32_t max_paths_ = 0;
    CLI::Option *path_ = nullptr, *text_ = nullptr, *name_ = nullptr, *code_ = nullptr, *output_ = nullptr;
    raw_common send_raw_, recv_raw_, forward_raw_;
    std::vector<std::string> path_texts_, exclude_, expose_, listen_;
    std::string receivers_ = "1";
    bool overwrite_ = false, keep_going_ = false, no_keep_ = false;
    std::string text_value_, name_value_, records_ = "current", code_value_, output_value_;
    std::uint64_t max_iterations_ = default_max_iterations;
    bool compress_ = false, no_compress_ = false, yes_ = false, allow_dot_ = false, rename_ = false;
    std::string probe_relay_, probe_ca_file_;
    proxy_arguments probe_proxy_;
    double probe_timeout_ = 15;
    bool probe_json_ = false;
};

} // namespace

parsed_command parse_command_line(std::vector<std::string> arguments,
                                  const std::string& relay_from_environment,
                                  const environment_lookup& variable)
{
    return command_line{}.parse(std::move(arguments), {relay_from_environment, variable});
}

} // namespace parley::cli
