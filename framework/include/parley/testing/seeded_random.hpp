// Randomness that a test can repeat.
#pragma once

#include <parley/base/random.hpp>

#include <cstdint>

namespace parley::testing {

// Fills with bytes that follow from the seed alone (splitmix64), on every platform. Not for anything secret.
// Not thread-safe.
class seeded_random final : public random_source {
public:
    explicit seeded_random(std::uint64_t seed) noexcept : state_(seed) {}

    void fill(mutable_bytes out) noexcept override
    {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            word = i % sizeof word == 0 ? next() : word >> 8;
            out[i] = static_cast<byte>(word);
        }
    }
    byte_vector bytes(std::size_t size)
    {
        byte_vector out(size);
        fill(out);
        return out;
    }
    std::uint64_t next() noexcept
    {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // A number from 0 to bound - 1; `bound` is at least 1. The bias of the remainder does not matter to a
    // test.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

private:
    std::uint64_t state_;
};

} // namespace parley::testing
