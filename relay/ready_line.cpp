#include "relay/ready_line.hpp"

#include <nlohmann/json.hpp>

namespace parley::relayd {

std::string ready_line(const std::vector<tcp_endpoint>& handshake, const std::vector<tcp_endpoint>& rooms,
                       bool json)
{
    if (json) {
        auto line = nlohmann::ordered_json{
            {"event", "ready"}, {"handshake", nlohmann::json::array()}, {"rooms", nlohmann::json::array()}};
        for (const tcp_endpoint& at : handshake) line["handshake"].push_back(to_text(at));
        for (const tcp_endpoint& at : rooms) line["rooms"].push_back(to_text(at));
        return line.dump();
    }
    std::string line = "parley-relay ready: handshake";
    for (const tcp_endpoint& at : handshake) line += " " + to_text(at);
    line += ", rooms";
    for (const tcp_endpoint& at : rooms) line += " " + to_text(at);
    return line;
}

} // namespace parley::relayd
