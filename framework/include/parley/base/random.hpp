// Randomness as the machines see it: bytes asked of a source that is handed in.
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// A source of random bytes. What a machine is given in production is crypto's system_random(); a test gives a
// seeded one.
class random_source {
public:
    virtual ~random_source() = default;
    // Fills all of `out`. Never fails; thread safety is the implementation's.
    virtual void fill(mutable_bytes out) noexcept = 0;
};

} // namespace parley
