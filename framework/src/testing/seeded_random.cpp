#include <parley/testing/seeded_random.hpp>

namespace parley::testing {

std::uint64_t seeded_random::next() noexcept
{
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void seeded_random::fill(mutable_bytes out) noexcept
{
    std::uint64_t word = 0;
    std::size_t left = 0;
    for (byte& b : out) {
        if (left == 0) {
            word = next();
            left = sizeof word;
        }
        b = static_cast<byte>(word);
        word >>= 8;
        --left;
    }
}

} // namespace parley::testing
