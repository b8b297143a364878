#pragma once

#include <parley/transport/address.hpp>

#include <string>
#include <vector>

namespace parley::relayd {

// The line, without its newline, that says where a relay listens:
//     parley-relay ready: handshake 127.0.0.1:9000 [::1]:9000, rooms 127.0.0.1:9001 [::1]:9001
// If /metrics and the like have addresses of their own: ", http ADDR:PORT…" or "http":[…]. In JSON:
//     {"event":"ready","handshake":["127.0.0.1:9000","[::1]:9000"],"rooms":["127.0.0.1:9001","[::1]:9001"]}
std::string ready_line(const std::vector<tcp_endpoint>& handshake, const std::vector<tcp_endpoint>& rooms,
                       bool json);
// The same for addresses of all transports, as texts.
std::string ready_line(const std::vector<std::string>& handshake, const std::vector<std::string>& rooms,
                       const std::vector<std::string>& http, bool json);

} // namespace parley::relayd
