// Random bytes of a fuzz target: the same in every run.
#pragma once

#include <parley/base/random.hpp>

namespace parley::fuzz {

class counting_random final : public random_source {
public:
    void fill(mutable_bytes out) noexcept override
    {
        for (byte& b : out) b = next_++;
    }

private:
    byte next_ = 8;
};

} // namespace parley::fuzz
