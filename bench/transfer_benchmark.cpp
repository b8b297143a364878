#include "bench/benchmarks.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/first_byte_proxy.hpp"
#include "bench/memory_ballast.hpp"
#include "bench/parley_tool.hpp"

#include <fmt/format.h>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;

struct document {
    std::string name;
    fs::path path;
    std::uint64_t bytes;
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
    const unsigned files =
        s.settings().quick ? std::min(s.settings().small_files, 5000u) : s.settings().small_files;
    const std::uint64_t bytes = s.settings().document_bytes();
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

void measure(session& s, const tool_kind& kind, const document& what, const std::string& code)
{
    const std::unique_ptr<transfer_tool> by = kind.start();
    const passage passed = pass_document(s, *by, what.path, code);
    measurement about;
    about.benchmark = "transfer";
    about.system = kind.name;
    about.with = {{"document", what.name}};
    add_rate(s, std::move(about), what.bytes, passed);
}

void measure_first_byte(session& s, const system_kind& relay, const document& what, const std::string& code)
{
    parley_tool by{s, relay.start()};
    const first_byte_proxy between{by.room()};
    by.send_through(between.port());
    pass_document(s, by, what.path, code);
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
