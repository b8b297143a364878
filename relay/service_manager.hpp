// The interface to a service manager (systemd): it passes listening sockets and receives status. Without one,
// nothing here has any effect.
#pragma once

#include "relay/configuration.hpp"

#include <optional>
#include <string>
#include <vector>

namespace parley::relayd {

// The listening TCP sockets that were passed to this process (sd_listen_fds), with their addresses, by their
// names: "handshake", "room", "http". Any other name counts as "handshake".
struct passed_sockets {
    std::vector<int> descriptors; // all of them
    std::vector<listen_address> handshake, room, http;
    std::string wrong; // why they cannot be used; empty if they can
};
// Takes the sockets. Works once, and child processes will not see them.
passed_sockets take_passed_sockets();
// Replaces configured addresses by those of the sockets, for each kind of listener that has one.
void use_passed_sockets(relay_configuration& configuration, const passed_sockets& sockets);

// Sends lines such as "READY=1" to the service manager (sd_notify(3)).
void notify_manager(const std::string& lines);
// Sends RELOADING=1 with the time that it requires.
void notify_reloading();
// The longest time between two "WATCHDOG=1" that the manager accepts. Nothing: it expects none.
std::optional<duration> watchdog_interval();

} // namespace parley::relayd
