// Two processes that move bytes through rooms as fast as possible: one writes to all rooms, the other reads
// from all.
#pragma once

#include "bench/load_process.hpp"
#include "bench/room_ends.hpp"

#include <atomic>

namespace parley::bench {

struct room_load_report {
    double seconds = 0;
    std::vector<std::uint64_t> bytes; // of payload, delivered by each room
    double sender_cpu_seconds = 0, receiver_cpu_seconds = 0, system_cpu_seconds = 0;
};

class room_load {
public:
    // Starts both processes on those rooms, which this process closes. Throws failure.
    explicit room_load(std::vector<room_ends> rooms);

    // Measures the bytes in the next `seconds` and the CPU time that `processes` take for them. Throws
    // failure if the load or a room has ended.
    room_load_report measure(double seconds, const std::vector<pid_t>& processes);

private:
    using counter = std::atomic<std::uint64_t>;

    void check();
    std::vector<std::uint64_t> read() const;

    std::size_t rooms_;
    shared_array<counter> delivered_;
    shared_array<std::atomic<std::uint32_t>> ended_; // rooms that broke
    std::unique_ptr<load_process> sender_, receiver_;
};

} // namespace parley::bench
