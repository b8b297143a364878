#pragma once

#include "bench/endpoint.hpp"
#include "bench/load_process.hpp"

#include <atomic>
#include <chrono>

namespace parley::bench {

// Forwards one connection between a peer and a relay's room port (TCP), in a separate process. It measures
// the time from the opening of the room to the first byte from the peer.
class first_byte_proxy {
public:
    explicit first_byte_proxy(const endpoint& room);
    std::uint16_t port() const noexcept { return listener_.port; }
    // The time from the relay's `00` to the peer's first byte after its line. Throws failure if there was
    // none.
    std::chrono::nanoseconds first_byte() const;

private:
    void forward(const endpoint& room);

    listening listener_;
    shared_array<std::atomic<std::int64_t>> moments_; // of the opening and of the first byte; 0 until then
    load_process process_;
};

} // namespace parley::bench
