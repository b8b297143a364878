#include "bench/benchmarks.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/first_byte_proxy.hpp"
#include "bench/memory_ballast.hpp"
#include "bench/system_under_test.hpp"
#include "bench/transfer_tool.hpp"

#include <fmt/format.h>

#include <cmath>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr auto transfer_timeout = std::chrono::minutes{30};

struct document {
    std::string name;
    fs::path path;
    std::uint64_t bytes;
};

class parley_tool final : public transfer_tool {
public:
    // `version` of the session: 1, 2 or auto.
    parley_tool(session& s, std::unique_ptr<system_under_test> relay, std::string version = "auto")
        : s_(s),
          relay_(std::move(relay)),
          version_(std::move(version)),
          endpoints_(relay_->relay(wire_kind::tcp))
    {
        if (!endpoints_) throw failure{"the relay does not listen on TCP"};
        room_port_ = endpoints_->room.port;
    }
    std::vector<pid_t> relays() const override { return relay_->processes(); }
    const endpoint& room() const { return endpoints_->room; }
    // From now on the sender uses this room port.
    void send_through(std::uint16_t port) { room_port_ = port; }

    std::unique_ptr<child> send(const fs::path& path, const std::string& code) override
    {
        auto out = std::make_unique<child>(
            std::vector<std::string>{s_.settings().parley, "send", path.string(), "--json", "--session",
                                     version_, "--relay", address(room_port_)},
            child_output::standard, std::map<std::string, std::string>{{"PARLEY_CODE", code}});
        out->wait_line("\"waiting\"", tool_start_timeout);
        return out;
    }
    std::unique_ptr<child> receive(const fs::path& folder, const std::string& code) override
    {
        return std::make_unique<child>(
            std::vector<std::string>{s_.settings().parley, "recv", "-y", "--quiet", "--session", version_,
                                     "-o", folder.string(), "--relay", address(endpoints_->room.port)},
            child_output::standard, std::map<std::string, std::string>{{"PARLEY_CODE", code}});
    }

private:
    std::string address(std::uint16_t room_port) const
    {
        return fmt::format("{}:{},{}", endpoints_->handshake.host, endpoints_->handshake.port, room_port);
    }

    session& s_;
    std::unique_ptr<system_under_test> relay_;
    std::string version_;
    std::optional<relay_endpoints> endpoints_;
    std::uint16_t room_port_ = 0;
};

// Two command lines. The sender counts as waiting as soon as it is started, so the receiver has to wait for
// it.
class command_tool final : public transfer_tool {
public:
    command_tool(std::string send, std::string receive) : send_(std::move(send)), receive_(std::move(receive))
    {
    }
    std::vector<pid_t> relays() const override { return {}; }
    std::unique_ptr<child> send(const fs::path& path, const std::string& code) override
    {
        return std::make_unique<child>(command_words(send_, {{"path", path.string()}, {"code", code}}),
                                       child_output::everything);
    }
    std::unique_ptr<child> receive(const fs::path& folder, const std::string& code) override
    {
        return std::make_unique<child>(command_words(receive_, {{"folder", folder.string()}, {"code", code}}),
                                       child_output::everything, std::map<std::string, std::string>{},
                                       folder);
    }

private:
    std::string send_, receive_;
};

struct tool_kind {
    std::string name;
    std::function<std::unique_ptr<transfer_tool>()> start;
};

std::vector<tool_kind> tools(session& s)
{
    std::vector<tool_kind> out;
    if (find_program(s.settings().parley).empty()) {
        s.skip("parley", "not installed");
    } else {
        for (const system_kind& relay : available(s, relay_kinds(s))) {
            // Through another relay the sender is still parley.
            const bool own = relay.name == "parley-relay";
            out.push_back({own ? "parley" : "parley through " + relay.name,
                           [&s, relay] { return std::make_unique<parley_tool>(s, relay.start()); }});
            if (own)
                out.push_back({"parley, session 1",
                               [&s, relay] { return std::make_unique<parley_tool>(s, relay.start(), "1"); }});
        }
    }
    if (s.settings().wanted("magic-wormhole")) {
        const std::string missing = wormhole_missing();
        if (missing.empty())
            out.push_back({"magic-wormhole", [&s] { return start_wormhole_tool(s); }});
        else
            s.skip("magic-wormhole", "not installed: " + missing);
    }
    for (const given_command& send : s.settings().send_commands)
        for (const given_command& receive : s.settings().recv_commands)
            if (send.name == receive.name && s.settings().wanted(send.name))
                out.push_back({send.name, [send, receive] {
                                   return std::make_unique<command_tool>(send.line, receive.line);
                               }});
    return out;
}

std::vector<document> make_documents(session& s)
{
    const double megabytes =
        s.settings().quick ? std::min(s.settings().transfer_mb, 256.0) : s.settings().transfer_mb;
    const unsigned files =
        s.settings().quick ? std::min(s.settings().small_files, 5000u) : s.settings().small_files;
    const auto bytes = static_cast<std::uint64_t>(megabytes * 1e6);
    const fs::path folder = s.fresh("documents");
    fs::create_directory(folder);
    std::vector<document> out{{"random", folder / "random", 0},
                              {"compressible", folder / "compressible", 0},
                              {fmt::format("{} small files", files), folder / "small", 0}};
    write_document(out[0].path, bytes, document_content::random);
    write_document(out[1].path, bytes, document_content::compressible);
    write_small_files(out[2].path, files);
    for (document& one : out) one.bytes = content_bytes(one.path);
    return out;
}

// Seconds from the receiver's start to the end of both. Compares what arrived.
double pass(session& s, transfer_tool& by, const document& what, const std::string& code,
            std::map<std::string, double>& cpu)
{
    const fs::path folder = s.fresh("received");
    fs::create_directory(folder);
    const std::int64_t relay_cpu = cpu_time_ns(by.relays());
    const std::unique_ptr<child> sender = by.send(what.path, code);
    const auto begin = steady_clock::now();
    const std::unique_ptr<child> receiver = by.receive(folder, code);
    if (receiver->wait(transfer_timeout) != 0)
        throw failure{"the receiver failed: " + receiver->complaints()};
    if (sender->wait(transfer_timeout) != 0) throw failure{"the sender failed: " + sender->complaints()};
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    cpu = {{"sender", sender->cpu_seconds()}, {"receiver", receiver->cpu_seconds()}};
    if (!by.relays().empty()) cpu["relay"] = static_cast<double>(cpu_time_ns(by.relays()) - relay_cpu) * 1e-9;
    if (!same_content(what.path, folder / what.path.filename()))
        throw failure{"what was received is not what was sent"};
    // Keep a tree until the run is over. Where thousands of files have just been removed, making others takes
    // many times as long on ext4, which looks at each of them before it hands out a new one.
    if (fs::is_regular_file(what.path)) fs::remove_all(folder);
    return seconds;
}

void measure(session& s, const tool_kind& kind, const document& what, const std::string& code)
{
    const std::unique_ptr<transfer_tool> by = kind.start();
    std::map<std::string, double> cpu;
    const double seconds = pass(s, *by, what, code, cpu);
    const double megabytes = static_cast<double>(what.bytes) / 1e6;
    measurement about;
    about.benchmark = "transfer";
    about.system = kind.name;
    about.with = {{"document", what.name}, {"megabytes", std::round(megabytes * 10) / 10}};
    s.add(about, "rate", "MB/s", better::more, megabytes / seconds, cpu);
    double total = 0;
    for (const auto& [role, taken] : cpu) total += taken;
    s.add(about, "CPU time of sender, receiver and relay a GB", "s/GB", better::less,
          total / megabytes * 1e3);
}

void measure_first_byte(session& s, const system_kind& relay, const document& what, const std::string& code)
{
    parley_tool by{s, relay.start()};
    const first_byte_proxy between{by.room()};
    by.send_through(between.port());
    std::map<std::string, double> cpu;
    pass(s, by, what, code, cpu);
    const double ms = static_cast<double>(between.first_byte().count()) * 1e-6;
    measurement about;
    about.benchmark = "transfer";
    about.system = "parley";
    about.with = {{"document", what.name}};
    s.add(about, "first byte after the room's opening", "ms", better::less, ms);
}

} // namespace

void run_transfer_benchmark(session& s)
{
    const std::vector<document> documents = make_documents(s);
    const std::vector<tool_kind> kinds = tools(s);
    std::optional<memory_ballast> for_what_arrives;
    if (s.settings().memory_ballast) for_what_arrives.emplace(documents[0].bytes / 2 * 3);
    unsigned number = 0;
    const auto next_code = [&] { return fmt::format("code{}", number++); };
    for (int run = 0; run < s.settings().runs; ++run)
        for (const document& what : documents) {
            for (const tool_kind& kind : kinds)
                s.attempt(fmt::format("transfer {} {}", kind.name, what.name),
                          [&] { measure(s, kind, what, next_code()); });
            for (const system_kind& relay : relay_kinds(s))
                if (relay.name == "parley-relay" && relay.unavailable.empty() &&
                    s.settings().wanted("parley"))
                    s.attempt("first byte of " + what.name,
                              [&] { measure_first_byte(s, relay, what, next_code()); });
        }
}

} // namespace parley::bench
