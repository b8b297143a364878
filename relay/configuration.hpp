// Everything that can be set on a relay, whoever sets it: the command line now, a file as well some day.
#pragma once

#include <parley/net/address.hpp>
#include <parley/net/relay_server.hpp>

#include <chrono>
#include <vector>

namespace parley::relayd {

inline constexpr std::uint16_t default_port = 9000;
inline constexpr std::uint16_t default_room_port = 9001;

enum class log_level { debug, info, warning, error };
enum class log_format { text, json };

struct relay_configuration {
    std::vector<listen_address> listen; // the handshake's doors; empty: port 9000 of every address
    std::vector<listen_address>
        room_listen;                      // the rooms' doors; empty: the hosts of `listen`, port 9001 (or 0)
    std::string tls_certificate, tls_key; // PEM files, for tls and wss
    std::chrono::milliseconds timeout{std::chrono::hours{1}};          // how long a peer may wait
    std::chrono::milliseconds room_timeout{std::chrono::seconds{30}};  // from an agreement to its room
    std::chrono::milliseconds ping_interval{std::chrono::seconds{25}}; // of a WebSocket
    log_level level = log_level::info;
    log_format format = log_format::text;
    bool json = false; // the ready line as a JSON object
};

// Fills in what was left empty.
void complete(relay_configuration& configuration);

// What the framework's relay wants to know of it. `configuration` is complete.
relay_server_options server_options(const relay_configuration& configuration);

} // namespace parley::relayd
