#pragma once

#include "bench/system_under_test.hpp"
#include "bench/transfer_tool.hpp"

namespace parley::bench {

// `parley send` and `parley recv` through a relay over TCP.
class parley_tool final : public transfer_tool {
public:
    // `version` of the session: 1, 2 or auto. Throws failure if the relay does not listen on TCP.
    parley_tool(session& s, std::unique_ptr<system_under_test> relay, std::string version = "auto");

    std::vector<pid_t> relays() const override { return relay_->processes(); }
    const endpoint& room() const { return endpoints_->room; }
    // From now on the sender uses this room port.
    void send_through(std::uint16_t port) { room_port_ = port; }

    std::unique_ptr<child> send(const std::filesystem::path& path, const std::string& code) override;
    std::unique_ptr<child> receive(const std::filesystem::path& folder, const std::string& code) override;

private:
    std::string address(std::uint16_t room_port) const;

    session& s_;
    std::unique_ptr<system_under_test> relay_;
    std::string version_;
    std::optional<relay_endpoints> endpoints_;
    std::uint16_t room_port_ = 0;
};

} // namespace parley::bench
