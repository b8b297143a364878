// What a machine reports of peers that have another password. Each of them may be an honest peer of somebody
// else, who waits at the same relay, or somebody who guesses.
#pragma once

#include <cstdint>

namespace parley {

// The failed guesses of the last minute.
struct guess_report {
    std::uint64_t count = 0;     // each is one handshake that did not prove the password
    std::uint64_t addresses = 0; // from how many addresses they came, whatever the port; counted up to 4,096
};

// How many failed guesses a machine takes before it gives up. A guesser that makes them all finds one of 2^44
// codes with a probability of 6e-10, and one of the 2^19 likeliest passwords with 2 percent. An hour beside
// honest peers of a busy relay, which lets 120 a minute try one password, stays below.
inline constexpr std::uint64_t default_max_guesses = 10'000;

} // namespace parley
