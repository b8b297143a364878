// The checksum of zlib streams (RFC 1950).
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// Returns `sum` updated with `bytes`. Start with a sum of 1.
std::uint32_t adler32(std::uint32_t sum, bytes_view bytes) noexcept;

} // namespace parley
