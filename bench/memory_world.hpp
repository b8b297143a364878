// A relay and all its peers in this process, joined by memory streams: without a limit of descriptors, up to
// the last uid.
#pragma once

#include <cstdint>
#include <memory>

namespace parley::bench {

// The CPU time covers relay and peers together, because they share a thread.
struct memory_report {
    double seconds = 0, cpu_seconds = 0;
    std::uint64_t packets = 0;
};

class memory_world {
public:
    // Starts a relay with `waiting` clients (at most 65,533) whose hellos it has answered. Throws failure.
    explicit memory_world(std::size_t waiting);
    memory_world(const memory_world&) = delete;
    memory_world& operator=(const memory_world&) = delete;
    ~memory_world();

    // Adds a server, and ends when the last client has received its announcement. Throws failure.
    memory_report fanout();
    // Passes packets between a server and one more client for `seconds`, one at a time in each direction.
    // Throws failure.
    memory_report forward(double seconds);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::bench
