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

    void fill(mutable_bytes out) noexcept override;
    std::uint64_t next() noexcept;
    // A number from 0 to bound - 1; `bound` is at least 1. The bias of the remainder does not matter to a
    // test.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

private:
    std::uint64_t state_;
};

} // namespace parley::testing
