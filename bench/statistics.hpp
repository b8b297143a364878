// Statistics over many samples: medians, percentiles, and latencies in which slow answers stay visible.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

namespace parley::bench {

struct summary {
    double min = 0, median = 0, max = 0;
};

// Takes any number of values in any order; no values give zeros. The median of an even number of values is
// the mean of the middle two.
summary summarise(std::span<const double> values);

// Counts latencies in buckets that are at most 1.6 % wide: 0 ns to 2^62 ns in 30 KiB, without allocation.
// Trivially copyable, so that a forked load generator can keep one in shared memory. Not thread-safe.
class latency_recorder {
public:
    // Counts one latency. Negative values count as 0.
    void record(std::chrono::nanoseconds latency) noexcept;
    void merge(const latency_recorder& other) noexcept;

    std::uint64_t count() const noexcept { return count_; }
    // The smallest latency that at least `percent` (0 to 100) of all do not exceed, as the middle of its
    // bucket. The largest latency is exact. 0 if there is none.
    std::chrono::nanoseconds percentile(double percent) const noexcept;
    std::chrono::nanoseconds max() const noexcept { return std::chrono::nanoseconds{max_ns_}; }

private:
    static constexpr unsigned sub_bits = 6; // 64 buckets per octave
    static constexpr std::size_t buckets = (63 - sub_bits + 1) << sub_bits;
    static std::size_t bucket_of(std::uint64_t ns) noexcept;
    static std::uint64_t middle_of(std::size_t bucket) noexcept;

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ns_ = 0;
};

// When each piece of work of an open loop should start: at a fixed rate, whatever happened to earlier ones.
// Latency counts from that moment, not from when the generator started the work. So a program that stalls is
// charged for all the work that should have started meanwhile (the correction for coordinated omission).
class open_loop_schedule {
public:
    using clock = std::chrono::steady_clock;
    // `rate` is per second and above 0.
    open_loop_schedule(clock::time_point start, double rate) noexcept : start_(start), rate_(rate) {}

    // The intended start of the next piece of work.
    clock::time_point next() const noexcept;
    bool due(clock::time_point now) const noexcept { return next() <= now; }
    // Returns the intended start of the next piece of work and moves on to the one after it.
    clock::time_point take() noexcept;

private:
    clock::time_point start_;
    double rate_;
    std::uint64_t taken_ = 0;
};

} // namespace parley::bench
