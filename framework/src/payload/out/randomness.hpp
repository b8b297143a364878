// Whether trying to compress some bytes is a waste of time.
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// Whether a chi-square test of how often each byte value comes finds nothing that tells `bytes` from random
// ones. It does find it in text, in tables, in counters (too even) and in random bytes a fifth of which are
// repeated; of truly random bytes it lets one sample in eighty pass for something else. Fewer than 256 bytes
// are too few to tell: false. About a nanosecond a byte.
bool is_incompressible(bytes_view bytes) noexcept;

} // namespace parley
