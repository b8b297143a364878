// Everything that can be set on a relay, by the command line or by a file. relay/settings.hpp has the names.
#pragma once

#include <parley/relay/limits.hpp>
#include <parley/relay/relay_server.hpp>
#include <parley/transport/address.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace parley::relayd {

inline constexpr std::uint16_t default_port = 9000;
inline constexpr std::uint16_t default_room_port = 9001;

enum class log_level { debug, info, warning, error };
inline constexpr std::array<std::string_view, 4> log_level_names{"debug", "info", "warning", "error"};
enum class log_format { text, json };
enum class on_off { off, on };
inline constexpr std::array<std::string_view, 2> on_off_names{"off", "on"};
enum class log_addresses { full, prefix, none };

struct relay_configuration {
    std::vector<listen_address> listen; // the handshake's listeners; empty: port 9000 of every address
    // The rooms' listeners; empty: the hosts of `listen` with port 9001 (or 0).
    std::vector<listen_address> room_listen;
    std::vector<listen_address> http_listen;                          // only for /metrics and the like
    std::vector<std::string> public_http{"healthz", "readyz"};        // what the other addresses answer of it
    std::string tls_certificate, tls_key;                             // PEM files, for tls and wss
    std::vector<std::string> trusted_networks;                        // of proxies, as ADDR/BITS
    std::vector<std::string> allowed_origins;                         // of web pages; empty: the relay's own
    std::chrono::milliseconds timeout{std::chrono::hours{1}};         // how long a peer may wait
    std::chrono::milliseconds room_timeout{std::chrono::seconds{30}}; // from an agreement to its room
    std::chrono::milliseconds ping_interval{std::chrono::seconds{25}}; // of a WebSocket
    // From SIGTERM to the end of the last room.
    std::chrono::milliseconds drain_timeout{std::chrono::minutes{10}};
    std::size_t threads = 0; // event loops for rooms; 0: one per core
    relay_limits limits;
    log_level level = log_level::info;
    log_format format = log_format::text;
    log_addresses addresses = log_addresses::full;
    bool lobbies = true;
    on_off web = on_off::on; // the page that the program has inside, if it has one
    bool one_port = false;   // no listeners only for rooms: those of `listen` serve them, too
    bool json = false;       // the ready line as a JSON object
};

// Sets the fields that were left empty.
void complete(relay_configuration& configuration);
// What a relay without any setting uses.
relay_configuration default_configuration();

// Converts a complete configuration to the options of the framework's relay.
relay_server_options server_options(const relay_configuration& configuration);

} // namespace parley::relayd
