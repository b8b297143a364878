#include "bench/statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace parley::bench {

summary summarise(std::span<const double> values)
{
    if (values.empty()) return {};
    std::vector<double> sorted{values.begin(), values.end()};
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    const double median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return {sorted.front(), median, sorted.back()};
}

// Below 2^sub_bits a bucket is one nanosecond wide. Above, the leading bits of the number choose the bucket.
std::size_t latency_recorder::bucket_of(std::uint64_t ns) noexcept
{
    constexpr std::uint64_t first_octave = 1u << sub_bits;
    if (ns < first_octave) return static_cast<std::size_t>(ns);
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - sub_bits;
    const auto sub = static_cast<std::size_t>((ns >> shift) - first_octave);
    return std::min((static_cast<std::size_t>(shift + 1) << sub_bits) + sub, buckets - 1);
}

std::uint64_t latency_recorder::middle_of(std::size_t bucket) noexcept
{
    constexpr std::uint64_t first_octave = 1u << sub_bits;
    if (bucket < first_octave) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    const std::uint64_t low = (first_octave + (bucket & (first_octave - 1))) << shift;
    return low + ((std::uint64_t{1} << shift) >> 1);
}

void latency_recorder::record(std::chrono::nanoseconds latency) noexcept
{
    const std::int64_t ns = std::max<std::int64_t>(latency.count(), 0);
    ++counts_[bucket_of(static_cast<std::uint64_t>(ns))];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
}

void latency_recorder::merge(const latency_recorder& other) noexcept
{
    for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ns_ = std::max(max_ns_, other.max_ns_);
}

std::chrono::nanoseconds latency_recorder::percentile(double percent) const noexcept
{
    if (count_ == 0) return {};
    const double share = std::clamp(percent, 0.0, 100.0) / 100;
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_) - 1e-9)));
    if (rank >= count_) return max();
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen >= rank)
            return std::min(max(), std::chrono::nanoseconds{static_cast<std::int64_t>(middle_of(i))});
    }
    return max();
}

open_loop_schedule::clock::time_point open_loop_schedule::next() const noexcept
{
    // Compute it from the start each time, so that no error accumulates.
    const std::chrono::duration<double> since{static_cast<double>(taken_) / rate_};
    return start_ + std::chrono::duration_cast<clock::duration>(since);
}

open_loop_schedule::clock::time_point open_loop_schedule::take() noexcept
{
    const clock::time_point at = next();
    ++taken_;
    return at;
}

} // namespace parley::bench
