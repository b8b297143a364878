// Collects what comes in pieces. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <algorithm>

namespace parley {

// Takes bytes from the front of `input` until `buffer`, which has `size` of them, has `n`. Returns whether it does.
inline bool take_into(byte* buffer, std::size_t& size, bytes_view& input, std::size_t n) noexcept
{
    if (size >= n) return true;
    const std::size_t taken = std::min(n - size, input.size());
    std::copy_n(input.begin(), taken, buffer + size);
    size += taken;
    input = input.subspan(taken);
    return size == n;
}

} // namespace parley
