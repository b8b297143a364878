#include "relay/configuration.hpp"

#include <parley/transport/transport.hpp>

#include <algorithm>
#include <thread>

namespace parley::relayd {
namespace {

// One thread per core: more threads find no more work, and few relays have a network that keeps eight busy.
std::size_t threads_for_this_machine() noexcept
{
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);
}

} // namespace

void complete(relay_configuration& configuration)
{
    if (configuration.listen.empty()) configuration.listen.push_back({"tcp", "*", default_port});
    if (!configuration.room_listen.empty() || configuration.one_port) return;
    for (listen_address address : configuration.listen) {
        const transport* by = find_transport(address.scheme);
        if (by == nullptr || by->has_path()) continue; // its rooms use the same address
        if (by->local)
            address.path += ".room";
        else if (address.port != 0 && address.port != 65535)
            address.port =
                by->room_is_next_port ? static_cast<std::uint16_t>(address.port + 1) : by->default_room_port;
        // Two ports of one host share one port for rooms.
        bool known = false;
        for (const listen_address& other : configuration.room_listen) known = known || other == address;
        if (!known || address.port == 0) configuration.room_listen.push_back(address);
    }
}

relay_configuration default_configuration()
{
    relay_configuration out;
    complete(out);
    return out;
}

relay_server_options server_options(const relay_configuration& configuration)
{
    relay_server_options options;
    options.handshake_addresses = configuration.listen;
    options.room_addresses = configuration.room_listen;
    options.http_addresses = configuration.http_listen;
    options.lobbies = configuration.lobbies;
    options.allowed_origins = configuration.allowed_origins;
    options.relay.peer_timeout = configuration.timeout;
    options.rooms.room_timeout = configuration.room_timeout;
    options.limits = configuration.limits;
    options.threads = configuration.threads == 0 ? threads_for_this_machine() : configuration.threads;
    options.websocket.ping_interval = configuration.ping_interval;
    options.websocket.pong_timeout = 2 * configuration.ping_interval;
    return options;
}

} // namespace parley::relayd
