// The relay as a service: what a configuration, signals and a service manager make of relay_server.
#pragma once

#include "relay/options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace parley::relayd {

// Signals while it runs: SIGTERM or SIGINT drains, a second one stops, a third ends the process at once;
// SIGHUP reads the configuration again, and changes nothing when anything in it is wrong.
class daemon {
public:
    // `arguments` are those of the command line, for a reload.
    daemon(relay_configuration configuration, std::vector<std::string> arguments);
    daemon(const daemon&) = delete;
    daemon& operator=(const daemon&) = delete;
    ~daemon();

    // Until it is ended. To be called once.
    exit_code run();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::relayd
