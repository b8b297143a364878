#include "bench/wormhole_courier.hpp"

#include "bench/adapters/mailbox_script.hpp"
#include "bench/failure.hpp"
#include "bench/subject.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;

// The one for which Debian's packages are: another may come first in the PATH.
std::string debian_python()
{
    const std::string system = find_program("/usr/bin/python3");
    return system.empty() ? find_program("python3") : system;
}

bool succeeds(const std::vector<std::string>& line)
{
    return child{line}.wait(courier_start_timeout) == 0;
}

std::string write_script(session& s)
{
    const fs::path path = s.fresh("mailbox");
    std::ofstream file{path};
    file << mailbox_script << std::flush;
    if (!file) throw system_failure(path.string(), errno);
    return path.string();
}

class wormhole_courier final : public courier {
public:
    explicit wormhole_courier(session& s)
        : mailbox_port_(free_port()),
          transit_port_(free_port()),
          mailbox_({debian_python(), "-B", write_script(s), std::to_string(mailbox_port_)}),
          transit_({find_program("twist3"), "transitrelay",
                    fmt::format("--port=tcp:{}:interface=127.0.0.1", transit_port_)},
                   child_output::none, {}, s.folder())
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
        out->wait_line("ormhole code is", courier_start_timeout);
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
    const std::string twist = find_program("twist3"), python = debian_python();
    need(!find_program("wormhole").empty(), "wormhole");
    need(!twist.empty() && succeeds({twist, "transitrelay", "--help"}), "twist3 transitrelay");
    need(!python.empty() && succeeds({python, "-c", "import websockets"}), "python3-websockets");
    return out;
}

std::unique_ptr<courier> start_wormhole_courier(session& s)
{
    return std::make_unique<wormhole_courier>(s);
}

} // namespace parley::bench
