#include "bench/commands.hpp"

#include "bench/failure.hpp"

#include <parley/base/bytes.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <sstream>

namespace parley::bench {
namespace {

constexpr const char* footer = R"(Results go to standard output as a table and, with --json, to a file that
bench/report.py turns into a page with plots. Progress goes to standard error.

Exit codes:
  0  done        1  a benchmark failed, or a fault of the program        2  wrong usage)";

// Splits "NAME=COMMAND LINE".
given_command read_command(const std::string& text)
{
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
        throw CLI::ValidationError("a command is given as NAME=COMMAND LINE");
    return {text.substr(0, equals), text.substr(equals + 1)};
}

// Looks for a program of the same build, then in the same folder, then in PATH.
std::string beside(const std::string& self, const std::string& folder, const std::string& name)
{
    const std::filesystem::path here = std::filesystem::path{self}.parent_path();
    for (const auto& candidate : {here / name, here.parent_path() / folder / name})
        if (!here.empty() && std::filesystem::is_regular_file(candidate)) return candidate.string();
    return name;
}

class command_line {
public:
    explicit command_line(const std::string& self)
    {
        settings_.parley = beside(self, "peer", "parley");
        settings_.parley_relay = beside(self, "relay", "parley-relay");
        app_.name("parley-bench");
        app_.footer(footer);
        app_.set_version_flag("--version", std::string{"parley-bench "} + PARLEY_VERSION, "Show the version");
        app_.require_subcommand(1);
        for (const benchmark& one : benchmarks()) add_measuring(one.name, one.help);
        add_measuring("all", "All of these, one after the other");
    }

    int run(std::vector<std::string> arguments)
    {
        try {
            std::reverse(arguments.begin(), arguments.end()); // CLI11 expects this order
            app_.parse(std::move(arguments));
        } catch (const CLI::Success& success) {
            std::ostringstream out;
            app_.exit(success, out, out);
            std::fputs(out.str().c_str(), stdout);
            return 0;
        } catch (const CLI::ParseError& error) {
            std::fprintf(stderr, "parley-bench: %s\nTry parley-bench --help.\n",
                         escaped(error.what()).c_str());
            return 2;
        }
        const std::string name = app_.get_subcommands().front()->get_name();
        finish_settings();
        return measure_command(name, settings_, json_);
    }

private:
    void add_measuring(const std::string& name, const std::string& help)
    {
        CLI::App* command = app_.add_subcommand(name, help);
        const auto positive = CLI::PositiveNumber.description("");
        const auto option = [command](const char* flag, auto& out, const char* type, const char* text) {
            return command->add_option(flag, out, text)->type_name(type);
        };
        const auto number = [&](const char* flag, auto& out, const char* type, const char* text) {
            option(flag, out, type, text)->check(positive);
        };
        const auto list = [&](const char* flag, auto& out, const char* text) {
            return option(flag, out, "LIST", text)->delimiter(',');
        };
        const auto repeated = [&](const char* flag, auto& out, const char* type, const char* text) {
            option(flag, out, type, text)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        };
        number("--runs", settings_.runs, "N", "How often each is measured (default: 5)");
        command->add_flag("--quick", settings_.quick, "Fewer and smaller: about ten minutes for all of them");
        option("--json", json_, "FILE", "Write what was measured to FILE");
        number("--seconds", settings_.seconds, "S",
               "How long a measurement lasts that has no end of its own (default: 2)");
        repeated("--only", settings_.only, "NAME",
                 "Only systems under test whose name begins so; may be repeated");
        list("--transports", settings_.transports,
             "Of tcp, ws, tls, wss and unix (default: all; with --quick fewer)")
            ->check(CLI::IsMember({"tcp", "ws", "tls", "wss", "unix"}).description(""));
        number("--threads", settings_.threads, "N",
               "Of each program under test that can be told (default: 1)");
        option("--congestion", settings_.congestion, "NAME",
               "TCP congestion control for the generator and all programs, in a network namespace of this "
               "run's own (default: the system's)");
        option("--parley", settings_.parley, "FILE", "The parley to measure");
        option("--parley-relay", settings_.parley_relay, "FILE", "The parley-relay to measure");
        repeated("--listen", settings_.listen, "URL",
                 "A further --listen address for parley-relay; may be repeated");
        repeated("--relay", relays_, "ADDRESS", "A relay that runs already; may be repeated");
        repeated("--relay-pid", relay_pids_, "PID",
                 "Its process, for CPU time and memory; one for each --relay");
        repeated("--relay-command", relay_commands_, "NAME=LINE",
                 "A relay by its command line, with {handshake} and {room} for its ports");
        repeated("--forward-command", forward_commands_, "NAME=LINE",
                 "A forwarder by its command line, with {listen} and {backend} for its ports");
        repeated("--send-command", send_commands_, "NAME=LINE",
                 "A sender by its command line, with {path} and {code}");
        repeated("--recv-command", recv_commands_, "NAME=LINE",
                 "Its receiver, started in an empty folder, with {code} and {folder}");
        list("--rooms", settings_.rooms, "room: how many at once (default: 1,8,64; with --quick 1,64)")
            ->check(positive);
        list("--waiting", settings_.waiting, "fanout, idle, forward: how many peers wait on sockets")
            ->check(positive);
        list("--memory-waiting", settings_.memory_waiting,
             "fanout, forward: how many wait on memory streams, up to 65533")
            ->check(CLI::Range(1.0, 65533.0).description(""));
        number("--concurrency", settings_.concurrency, "N", "handshakes: under way at once (default: 16)");
        number("--rate", settings_.rate, "N",
               "handshakes: of the open loop, a second (default: half of what the closed loop reaches)");
        number("--generators", settings_.generators, "N", "handshakes: generator processes (default: 1)");
        option("--keys", settings_.keys, "WHICH",
               "handshakes: agreement, precomputed or both (default: both)")
            ->check(CLI::IsMember({"agreement", "precomputed", "both"}).description(""));
        number("--transfer-mb", settings_.transfer_mb, "MB",
               "transfer, stream: size of a document (default: 2 GiB; with --quick at most 256)");
        number("--small-files", settings_.small_files, "N",
               "transfer: how many small files (default: 20000; with --quick at most 5000)");
        command->add_flag("--memory-ballast", settings_.memory_ballast,
                          "transfer: keep free memory for a document from a virtual machine's host; "
                          "takes 1.5 times its size");
    }

    void finish_settings()
    {
        constexpr double quick_seconds = 0.7;
        const CLI::App* command = app_.get_subcommands().front();
        if (settings_.quick && command->get_option("--seconds")->count() == 0)
            settings_.seconds = quick_seconds;
        if (relay_pids_.size() > relays_.size()) throw failure{"more --relay-pid than --relay"};
        for (std::size_t i = 0; i < relays_.size(); ++i)
            settings_.relays.push_back({relays_[i], i < relay_pids_.size() ? relay_pids_[i] : 0});
        const auto read = [](const std::vector<std::string>& texts, std::vector<given_command>& out) {
            for (const std::string& text : texts) out.push_back(read_command(text));
        };
        read(relay_commands_, settings_.relay_commands);
        read(forward_commands_, settings_.forward_commands);
        read(send_commands_, settings_.send_commands);
        read(recv_commands_, settings_.recv_commands);
    }

    CLI::App app_{"Measures relays that speak this protocol, and what they are compared with."};
    settings settings_;
    std::string json_;
    std::vector<std::string> relays_, relay_commands_, forward_commands_, send_commands_, recv_commands_;
    std::vector<pid_t> relay_pids_;
};

} // namespace

int run_command_line(std::vector<std::string> arguments, const std::string& self)
{
    return command_line{self}.run(std::move(arguments));
}

} // namespace parley::bench
