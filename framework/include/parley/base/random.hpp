// The interface through which machines get random bytes.
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// A source of random bytes. In production it is system_random() of crypto; tests pass a seeded one.
class random_source {
public:
    virtual ~random_source() = default;
    // Fills all of `out`. Never fails. Thread safety depends on the implementation.
    virtual void fill(mutable_bytes out) noexcept = 0;
};

} // namespace parley
