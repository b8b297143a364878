// The relay as a service: runs a relay_server with a configuration, signals and a service manager.
#pragma once

#include "relay/options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace parley::relayd {

// Signals: SIGTERM or SIGINT drains, a second one stops, a third ends the process at once. SIGHUP reads the
// configuration again; if anything in it is wrong, nothing changes.
class daemon {
public:
    // `arguments` is the command line, which a reload reads again. `site` is served unless the configuration
    // says otherwise; may be null.
    daemon(relay_configuration configuration, std::vector<std::string> arguments,
           std::shared_ptr<const static_site> site = nullptr);
    daemon(const daemon&) = delete;
    daemon& operator=(const daemon&) = delete;
    ~daemon();

    // Runs until the end. Call it once.
    exit_code run();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::relayd
