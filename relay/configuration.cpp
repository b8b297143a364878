#include "relay/configuration.hpp"

namespace parley::relayd {

void complete(relay_configuration& configuration)
{
    if (configuration.listen.empty()) configuration.listen.push_back({"tcp", "*", default_port});
    if (!configuration.room_listen.empty()) return;
    for (listen_address address : configuration.listen) {
        if (address.port != 0) address.port = default_room_port;
        // Two ports of one host share its one port for rooms.
        bool known = false;
        for (const listen_address& other : configuration.room_listen) known = known || other == address;
        if (!known || address.port == 0) configuration.room_listen.push_back(address);
    }
}

relay_server_options server_options(const relay_configuration& configuration)
{
    relay_server_options options;
    options.handshake_addresses = configuration.listen;
    options.room_addresses = configuration.room_listen;
    options.relay.peer_timeout = configuration.timeout;
    options.rooms.room_timeout = configuration.room_timeout;
    return options;
}

} // namespace parley::relayd
