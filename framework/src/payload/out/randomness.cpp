#include <parley/payload/randomness.hpp>

#include <array>

namespace parley {
namespace {

constexpr std::size_t fewest_bytes = 256;
constexpr std::size_t most_bytes = 1 << 20; // the squares of counts fit 64 bits
constexpr std::uint64_t values = 256;

// For random bytes the statistic has a mean of 255 and a deviation of 22.6. The bounds are 2.5 deviations
// away.
constexpr std::uint64_t lowest = 198;
constexpr std::uint64_t highest = 312;

} // namespace

bool is_incompressible(bytes_view bytes) noexcept
{
    if (bytes.size() < fewest_bytes) return false;
    if (bytes.size() > most_bytes) bytes = bytes.first(most_bytes);
    // Four tables, so that equal bytes in a row need not wait for each other.
    std::array<std::array<std::uint32_t, values>, 4> counts{};
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4)
        for (std::size_t lane = 0; lane < 4; ++lane) ++counts[lane][bytes[i + lane]];
    for (; i < bytes.size(); ++i) ++counts[0][bytes[i]];

    std::uint64_t squares = 0;
    for (std::size_t value = 0; value < values; ++value) {
        const std::uint64_t count = counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
        squares += count * count;
    }
    const std::uint64_t n = bytes.size();
    const std::uint64_t scaled = squares * values; // chi-square is scaled / n - n
    return scaled >= (n + lowest) * n && scaled <= (n + highest) * n;
}

} // namespace parley
