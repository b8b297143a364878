// Two SHA-1 computations at once. One alone waits for its own results most of the time, so the second is
// nearly free.
#pragma once

#include <parley/base/bytes.hpp>

#include <cstdint>

namespace parley {

// Whether this processor supports it (x86 with SHA extensions).
bool sha1_pair_available() noexcept;

// Hashes `blocks` blocks of 64 bytes from `first` into the five words of `first_state`, and as many from
// `second` into `second_state`. Call it only if sha1_pair_available().
void sha1_pair_blocks(std::uint32_t* first_state, const byte* first, std::uint32_t* second_state,
                      const byte* second, std::size_t blocks) noexcept;

} // namespace parley
