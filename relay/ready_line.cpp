#include "relay/ready_line.hpp"

#include <nlohmann/json.hpp>

namespace parley::relayd {
namespace {

std::vector<std::string> texts_of(const std::vector<tcp_endpoint>& endpoints)
{
    std::vector<std::string> out;
    for (const tcp_endpoint& at : endpoints) out.push_back(to_text(at));
    return out;
}

} // namespace

std::string ready_line(const std::vector<tcp_endpoint>& handshake, const std::vector<tcp_endpoint>& rooms,
                       bool json)
{
    return ready_line(texts_of(handshake), texts_of(rooms), {}, json);
}

std::string ready_line(const std::vector<std::string>& handshake, const std::vector<std::string>& rooms,
                       const std::vector<std::string>& http, bool json)
{
    if (json) {
        nlohmann::ordered_json out{{"event", "ready"}, {"handshake", handshake}, {"rooms", rooms}};
        if (!http.empty()) out["http"] = http;
        return out.dump();
    }
    std::string line = "parley-relay ready: handshake";
    for (const std::string& at : handshake) line += " " + at;
    line += ", rooms";
    for (const std::string& at : rooms) line += " " + at;
    if (!http.empty()) line += ", http";
    for (const std::string& at : http) line += " " + at;
    return line;
}

} // namespace parley::relayd
