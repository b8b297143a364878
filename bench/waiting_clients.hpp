// Many waiting clients, in as many processes as the limit of descriptors requires.
#pragma once

#include "bench/endpoint.hpp"
#include "bench/load_process.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace parley::bench {

class waiting_clients {
public:
    // Connects `size` clients, sends their hellos, and returns when each has received its identity. Throws
    // failure.
    waiting_clients(const endpoint& relay_at, std::size_t size, source_number first_source);

    std::size_t size() const noexcept { return size_; }
    // The number of announcements that all clients together have received since the start.
    std::uint64_t heard() const noexcept;
    // Waits for `count` of these, and returns when the last one arrived. Throws failure when none comes for
    // `longest`, or if a client was lost.
    std::chrono::steady_clock::time_point wait_heard(std::uint64_t count,
                                                     std::chrono::nanoseconds longest) const;
    // The CPU time of its processes so far.
    double cpu_seconds() const;

private:
    // The results of one process, in shared memory.
    struct share {
        std::atomic<std::uint64_t> ready{0}, heard{0}, lost{0};
        std::atomic<std::int64_t> last_heard_ns{0}; // of the steady clock
    };
    static void run(const endpoint& relay_at, std::size_t size, source_number first_source, share& mine);
    void check() const;
    bool wait_for(const std::function<std::uint64_t()>& number, std::uint64_t count,
                  std::chrono::nanoseconds longest) const;

    std::size_t size_;
    shared_array<share> shares_;
    std::vector<std::unique_ptr<load_process>> processes_;
};

} // namespace parley::bench
