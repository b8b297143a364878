// What a service manager (systemd) gives and wants: listening sockets, and news of how it goes. Without one,
// nothing here does anything.
#pragma once

#include "relay/configuration.hpp"

#include <optional>
#include <string>
#include <vector>

namespace parley::relayd {

// The listening TCP sockets that were passed to this process (sd_listen_fds), with their addresses, by their
// names: "handshake", "room", "http"; any other name counts as "handshake".
struct passed_sockets {
    std::vector<int> descriptors; // of them all
    std::vector<listen_address> handshake, room, http;
    std::string wrong; // why they cannot be used; empty when all is well
};
// Takes them, once: a child will not see them.
passed_sockets take_passed_sockets();
// Puts their addresses in the place of configured ones: of all listeners for which there is one.
void use_passed_sockets(relay_configuration& configuration, const passed_sockets& sockets);

// Sends lines such as "READY=1" to the service manager (sd_notify(3)).
void notify_manager(const std::string& lines);
// RELOADING=1, with the time that goes with it.
void notify_reloading();
// How often the manager wants a "WATCHDOG=1" at least; nothing: it wants none.
std::optional<duration> watchdog_interval();

} // namespace parley::relayd
