// A relay and all its peers in this process, joined by memory streams: no descriptor limit, up to the last
// uid.
#pragma once

#include <cstdint>
#include <memory>

namespace parley::bench {

// The CPU time is of relay and peers together: they share a thread.
struct memory_report {
    double seconds = 0, cpu_seconds = 0;
    std::uint64_t packets = 0;
};

class memory_world {
public:
    // A relay before which `waiting` clients (at most 65,533) have said hello and have been answered. Throws
    // failure.
    explicit memory_world(std::size_t waiting);
    memory_world(const memory_world&) = delete;
    memory_world& operator=(const memory_world&) = delete;
    ~memory_world();

    // A server says hello; ends when the last client has heard of it. Throws failure.
    memory_report fanout();
    // Packets between a server and one more client, one at a time each way, for so long. Throws failure.
    memory_report forward(double seconds);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace parley::bench
