#include "bench/system_under_test.hpp"

#include "bench/failure.hpp"
#include "bench/load_process.hpp"
#include "bench/patience.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

namespace parley::bench {
namespace {

using namespace std::chrono_literals;

bool is_listening(std::uint16_t port)
{
    std::ifstream table{"/proc/net/tcp"};
    const std::string wanted = fmt::format(":{:04X}", port);
    for (std::string line; std::getline(table, line);) {
        // "  sl  local_address rem_address   st …", and 0A is LISTEN.
        const std::size_t colon = line.find(": ");
        if (colon == std::string::npos || line.size() < colon + 33) continue;
        const std::string_view local = std::string_view{line}.substr(colon + 2, 13);
        if (local.ends_with(wanted) && std::string_view{line}.substr(colon + 30, 2) == "0A") return true;
    }
    return false;
}

std::optional<relay_endpoints> endpoints(const std::vector<std::string>& handshake,
                                         const std::vector<std::string>& rooms, wire_kind kind)
{
    const auto find = [kind](const std::vector<std::string>& texts) -> std::optional<endpoint> {
        for (const std::string& text : texts) {
            const endpoint at = parse_endpoint(text);
            if (at.kind == kind) return at;
        }
        return std::nullopt;
    };
    const std::optional<endpoint> first = find(handshake), second = find(rooms);
    if (!first || !second) return std::nullopt;
    return relay_endpoints{*first, *second};
}

// parley-relay on free ports, with every transport that the generator speaks.
class own_relay final : public system_under_test {
public:
    own_relay(const settings& s, const std::filesystem::path& path) : program_(arguments(s, path))
    {
        const std::string line = program_.wait_line("\"ready\"", patience);
        const nlohmann::json ready = nlohmann::json::parse(line, nullptr, false);
        if (!ready.is_object()) throw failure{s.parley_relay + " says something unknown: " + escaped(line)};
        for (const auto& text : ready["handshake"]) handshake_.push_back(text.get<std::string>());
        for (const auto& text : ready["rooms"]) rooms_.push_back(text.get<std::string>());
    }

    // Kill it: on SIGTERM it would wait for the rooms of handshakes that were never joined.
    ~own_relay() override
    {
        if (program_.running()) ::kill(program_.pid(), SIGKILL);
    }

    std::vector<pid_t> processes() const override { return {program_.pid()}; }
    std::optional<relay_endpoints> relay(wire_kind kind) const override
    {
        return endpoints(handshake_, rooms_, kind);
    }

private:
    static std::vector<std::string> arguments(const settings& s, const std::filesystem::path& path)
    {
        std::vector<std::string> out{s.parley_relay, "--json", "--log-level", "error"};
        // Limits meant for strangers on the internet would also limit the load of one machine.
        for (const char* limit :
             {"--max-connections-per-address", "--max-connection-rate", "--max-hello-rate",
              "--max-attempts-per-minute", "--max-packet-rate", "--max-connections",
              "--max-announcement-rate", "--max-memory", "--max-waiting-per-address",
              "--max-agreements-per-address", "--max-rooms-per-address"})
            out.insert(out.end(), {limit, "0"});
        const auto listen = [&](const std::string& at) { out.insert(out.end(), {"--listen", at}); };
        listen("127.0.0.1:0");
        out.insert(out.end(), {"--room-listen", "127.0.0.1:0"});
        listen("ws://127.0.0.1:0");
        const certificate_files shown = make_certificate(path.parent_path());
        out.insert(out.end(), {"--tls-certificate", shown.certificate.string()});
        out.insert(out.end(), {"--tls-key", shown.key.string()});
        listen("tls://127.0.0.1:0");
        out.insert(out.end(), {"--room-listen", "tls://127.0.0.1:0"});
        listen("wss://127.0.0.1:0");
        listen("unix:" + path.string());
        out.insert(out.end(), {"--room-listen", "unix:" + path.string() + ".room"});
        for (const std::string& at : s.listen) listen(at);
        if (s.threads > 1) out.insert(out.end(), {"--threads", std::to_string(s.threads)});
        return out;
    }

    child program_;
    std::vector<std::string> handshake_, rooms_;
};

class running_relay final : public system_under_test {
public:
    explicit running_relay(const given_relay& given) : pid_(given.pid), at_(parse_relay(given.address)) {}
    std::vector<pid_t> processes() const override
    {
        return pid_ > 0 ? std::vector<pid_t>{pid_} : std::vector<pid_t>{};
    }
    std::optional<relay_endpoints> relay(wire_kind kind) const override
    {
        return kind == at_.handshake.kind ? std::optional{at_} : std::nullopt;
    }

private:
    pid_t pid_;
    relay_endpoints at_;
};

// Any relay of the protocol over TCP whose two ports can be set.
class command_relay final : public system_under_test {
public:
    explicit command_relay(const given_command& given)
        : handshake_(free_port()),
          room_(free_port()),
          program_(command_words(given.line, {{"handshake", std::to_string(handshake_)},
                                              {"room", std::to_string(room_)}}),
                   child_output::none)
    {
        wait_until_listening(program_, handshake_);
        wait_until_listening(program_, room_);
    }
    std::vector<pid_t> processes() const override { return {program_.pid()}; }
    std::optional<relay_endpoints> relay(wire_kind kind) const override
    {
        if (kind != wire_kind::tcp) return std::nullopt;
        return relay_endpoints{{kind, "127.0.0.1", handshake_, {}}, {kind, "127.0.0.1", room_, {}}};
    }

private:
    std::uint16_t handshake_, room_;
    child program_;
};

class forked_relay final : public system_under_test {
public:
    forked_relay(wire_kind kind, void (*serve)(const listening&))
        : kind_(kind), listening_(listen_on_loopback()), process_([this, serve] {
              raise_descriptor_limit();
              serve(listening_);
          })
    {
    }
    std::vector<pid_t> processes() const override { return {process_.pid()}; }
    std::optional<relay_endpoints> relay(wire_kind kind) const override
    {
        if (kind != kind_) return std::nullopt;
        const endpoint at{kind, "127.0.0.1", listening_.port, has_frames(kind) ? "/" : ""};
        return relay_endpoints{at, at};
    }

private:
    wire_kind kind_;
    listening listening_;
    load_process process_;
};

} // namespace

system_kind forked_relay_kind(const char* name, wire_kind kind, void (*serve)(const listening& at))
{
    return {name, "", [kind, serve] { return std::make_unique<forked_relay>(kind, serve); }};
}

void wait_until_listening(child& program, std::uint16_t port)
{
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (!is_listening(port)) {
        if (!program.running())
            throw failure{
                fmt::format("it ended at once with status {}: {}", program.status(), program.complaints())};
        if (std::chrono::steady_clock::now() > limit)
            throw failure{fmt::format("it does not listen on port {}: {}", port, program.complaints())};
        std::this_thread::sleep_for(2ms);
    }
}

std::vector<std::string> command_words(const std::string& line,
                                       const std::map<std::string, std::string>& values)
{
    std::vector<std::string> words;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool space = c == ' ' || c == '\t';
        if (quote == 0 && space) {
            in_word = false;
            continue;
        }
        if (!in_word) words.emplace_back();
        in_word = true;
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '{' && quote != '\'') {
            const std::size_t end = line.find('}', i);
            const auto found =
                end == std::string::npos ? values.end() : values.find(line.substr(i + 1, end - i - 1));
            if (found == values.end()) throw failure{"an unknown {…} in: " + escaped(line)};
            words.back() += found->second;
            i = end;
        } else {
            words.back() += c;
        }
    }
    if (quote != 0) throw failure{"an open quote in: " + escaped(line)};
    if (words.empty()) throw failure{"an empty command line"};
    return words;
}

certificate_files make_certificate(const std::filesystem::path& folder)
{
    const certificate_files out{folder / "certificate.pem", folder / "key.pem"};
    child openssl{{"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                   "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                   "-out", out.certificate.string(), "-keyout", out.key.string()},
                  child_output::none};
    if (openssl.wait(patience) != 0) throw failure{"openssl makes no certificate: " + openssl.complaints()};
    return out;
}

std::vector<system_kind> relay_kinds(session& s)
{
    std::vector<system_kind> out;
    const settings& options = s.settings();
    out.push_back({"parley-relay", find_program(options.parley_relay).empty() ? "not installed" : "",
                   [&s] { return std::make_unique<own_relay>(s.settings(), s.fresh("relay")); }});
    for (const given_relay& given : options.relays)
        out.push_back(
            {"relay " + given.address, "", [given] { return std::make_unique<running_relay>(given); }});
    for (const given_command& given : options.relay_commands)
        out.push_back({given.name, "", [given] { return std::make_unique<command_relay>(given); }});
    return out;
}

std::vector<wire_kind> wires_of(const settings& options, std::vector<wire_kind> quick)
{
    if (options.transports.empty() && options.quick) return quick;
    if (options.transports.empty()) return {all_wires.begin(), all_wires.end()};
    std::vector<wire_kind> out;
    for (const wire_kind kind : all_wires)
        for (const std::string& name : options.transports)
            if (name == wire_name(kind)) out.push_back(kind);
    return out;
}

std::vector<system_kind> available(session& s, std::vector<system_kind> kinds)
{
    std::vector<system_kind> out;
    for (system_kind& kind : kinds) {
        if (!s.settings().wanted(kind.name)) continue;
        if (kind.unavailable.empty())
            out.push_back(std::move(kind));
        else
            s.skip(kind.name, kind.unavailable);
    }
    return out;
}

} // namespace parley::bench
