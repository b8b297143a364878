#include "bench/transfer_tool.hpp"

#include "bench/failure.hpp"
#include "bench/system_under_test.hpp"

#include <fmt/format.h>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;

bool succeeds(const std::vector<std::string>& line)
{
    return child{line}.wait(tool_start_timeout) == 0;
}

class wormhole_tool final : public transfer_tool {
public:
    explicit wormhole_tool(session& s)
        : mailbox_port_(free_port()),
          transit_port_(free_port()),
          mailbox_(
              {find_program("twist3"), "wormhole-mailbox", listen_on(mailbox_port_), "--channel-db=:memory:"},
              child_output::none, {}, s.folder()),
          transit_({find_program("twist3"), "transitrelay", listen_on(transit_port_)}, child_output::none, {},
                   s.folder())
    {
        wait_until_listening(mailbox_, mailbox_port_);
        wait_until_listening(transit_, transit_port_);
    }
    std::vector<pid_t> relays() const override { return {mailbox_.pid(), transit_.pid()}; }

    std::unique_ptr<child> send(const fs::path& path, const std::string& code) override
    {
        std::vector<std::string> line = wormhole();
        for (std::string word : {std::string{"send"}, std::string{"--hide-progress"},
                                 std::string{"--no-listen"}, "--code=" + wormhole_code(code), path.string()})
            line.push_back(std::move(word));
        auto out = std::make_unique<child>(line, child_output::everything);
        out->wait_line("ormhole code is", tool_start_timeout);
        return out;
    }
    std::unique_ptr<child> receive(const fs::path& folder, const std::string& code) override
    {
        std::vector<std::string> line = wormhole();
        for (std::string word :
             {std::string{"receive"}, std::string{"--hide-progress"}, std::string{"--no-listen"},
              std::string{"--accept-file"}, wormhole_code(code)})
            line.push_back(std::move(word));
        return std::make_unique<child>(line, child_output::everything, std::map<std::string, std::string>{},
                                       folder);
    }

private:
    static std::string listen_on(std::uint16_t port)
    {
        return fmt::format("--port=tcp:{}:interface=127.0.0.1", port);
    }
    static std::string wormhole_code(const std::string& code) { return "7-bench-" + code; }
    std::vector<std::string> wormhole() const
    {
        return {find_program("wormhole"), fmt::format("--relay-url=ws://127.0.0.1:{}/v1", mailbox_port_),
                fmt::format("--transit-helper=tcp:127.0.0.1:{}", transit_port_)};
    }

    std::uint16_t mailbox_port_, transit_port_;
    child mailbox_, transit_;
};

} // namespace

std::string wormhole_missing()
{
    std::string out;
    const auto need = [&](bool here, const char* name) {
        if (!here) out += std::string{out.empty() ? "" : ", "} + name;
    };
    const std::string twist = find_program("twist3");
    need(!find_program("wormhole").empty(), "wormhole");
    for (const char* plugin : {"wormhole-mailbox", "transitrelay"})
        need(!twist.empty() && succeeds({twist, plugin, "--help"}), plugin);
    return out;
}

std::unique_ptr<transfer_tool> start_wormhole_tool(session& s)
{
    return std::make_unique<wormhole_tool>(s);
}

} // namespace parley::bench
