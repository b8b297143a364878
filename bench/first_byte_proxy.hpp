#pragma once

#include "bench/endpoint.hpp"
#include "bench/load_process.hpp"

#include <atomic>
#include <chrono>

namespace parley::bench {

// Stands between one peer and a relay's room port (TCP) and notes when what passes: how long after the room's
// opening the first byte comes from the peer. It serves one connection, in a process of its own.
class first_byte_proxy {
public:
    explicit first_byte_proxy(const endpoint& room);
    std::uint16_t port() const noexcept { return listener_.port; }
    // From the relay's `00` to the peer's first byte after its line. Throws failure when there was none.
    std::chrono::nanoseconds first_byte() const;

private:
    void forward(const endpoint& room);

    listening listener_;
    shared_array<std::atomic<std::int64_t>> moments_; // of the opening and the first byte; 0 before it
    load_process process_;
};

} // namespace parley::bench
