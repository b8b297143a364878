#include "bench/parley_tool.hpp"

#include "bench/failure.hpp"

#include <fmt/format.h>

namespace parley::bench {

parley_tool::parley_tool(session& s, std::unique_ptr<system_under_test> relay, std::string version)
    : s_(s), relay_(std::move(relay)), version_(std::move(version)), endpoints_(relay_->relay(wire_kind::tcp))
{
    if (!endpoints_) throw failure{"the relay does not listen on TCP"};
    room_port_ = endpoints_->room.port;
}

std::unique_ptr<child> parley_tool::send(const std::filesystem::path& path, const std::string& code)
{
    auto out = std::make_unique<child>(
        std::vector<std::string>{s_.settings().parley, "send", path.string(), "--json", "--session", version_,
                                 "--relay", address(room_port_)},
        child_output::standard, std::map<std::string, std::string>{{"PARLEY_CODE", code}});
    out->wait_line("\"waiting\"", tool_start_timeout);
    return out;
}

std::unique_ptr<child> parley_tool::receive(const std::filesystem::path& folder, const std::string& code)
{
    return std::make_unique<child>(
        std::vector<std::string>{s_.settings().parley, "recv", "-y", "--quiet", "--session", version_, "-o",
                                 folder.string(), "--relay", address(endpoints_->room.port)},
        child_output::standard, std::map<std::string, std::string>{{"PARLEY_CODE", code}});
}

std::string parley_tool::address(std::uint16_t room_port) const
{
    return fmt::format("{}:{},{}", endpoints_->handshake.host, endpoints_->handshake.port, room_port);
}

} // namespace parley::bench
