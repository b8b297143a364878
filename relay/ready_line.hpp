#pragma once

#include <parley/net/address.hpp>

#include <string>
#include <vector>

namespace parley::relayd {

// The one line, without its newline, that tells where a relay listens:
//     parley-relay ready: handshake 127.0.0.1:9000 [::1]:9000, rooms 127.0.0.1:9001 [::1]:9001
//     {"event":"ready","handshake":["127.0.0.1:9000","[::1]:9000"],"rooms":["127.0.0.1:9001","[::1]:9001"]}
std::string ready_line(const std::vector<tcp_endpoint>& handshake, const std::vector<tcp_endpoint>& rooms,
                       bool json);

} // namespace parley::relayd
