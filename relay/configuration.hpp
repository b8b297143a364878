// Everything that can be set on a relay, whoever sets it: the command line or a file. relay/settings.hpp
// gives each its name.
#pragma once

#include <parley/relay/limits.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/transport/address.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace parley::relayd {

inline constexpr std::uint16_t default_port = 9000;
inline constexpr std::uint16_t default_room_port = 9001;

enum class log_level { debug, info, warning, error };
enum class log_format { text, json };
enum class log_addresses { full, prefix, none };

struct relay_configuration {
    std::vector<listen_address> listen; // the handshake's listeners; empty: port 9000 of every address
    std::vector<listen_address>
        room_listen; // the rooms' listeners; empty: the hosts of `listen`, port 9001 (or 0)
    std::vector<listen_address> http_listen;                          // for /metrics and the like alone
    std::vector<std::string> public_http{"healthz", "readyz"};        // what the other addresses answer of it
    std::string tls_certificate, tls_key;                             // PEM files, for tls and wss
    std::vector<std::string> trusted_networks;                        // of proxies, as ADDR/BITS
    std::chrono::milliseconds timeout{std::chrono::hours{1}};         // how long a peer may wait
    std::chrono::milliseconds room_timeout{std::chrono::seconds{30}}; // from an agreement to its room
    std::chrono::milliseconds ping_interval{std::chrono::seconds{25}}; // of a WebSocket
    std::chrono::milliseconds drain_timeout{
        std::chrono::minutes{10}}; // from SIGTERM to the end of the last room
    std::size_t threads = 0;       // event loops for rooms; 0: one a core
    relay_limits limits;
    log_level level = log_level::info;
    log_format format = log_format::text;
    log_addresses addresses = log_addresses::full;
    bool lobbies = true;
    bool one_port = false; // no channel for rooms alone: those of `listen` serve them, too
    bool json = false;     // the ready line as a JSON object
};

// Fills in what was left empty.
void complete(relay_configuration& configuration);

// What the framework's relay wants to know of it. `configuration` is complete.
relay_server_options server_options(const relay_configuration& configuration);

} // namespace parley::relayd
