// Whether compressing some bytes would be a waste of time.
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// Whether a chi-square test of the byte frequencies cannot tell `bytes` from random ones. It can tell text,
// tables, counters (too even) and random bytes of which a fifth are repeats. One sample in eighty of truly
// random bytes passes for compressible. Fewer than 256 bytes are too few to tell, and the result is false.
// Takes about a nanosecond per byte.
bool is_incompressible(bytes_view bytes) noexcept;

} // namespace parley
