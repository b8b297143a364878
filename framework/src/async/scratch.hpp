// Space to read into. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <array>

namespace parley::detail {

// One for each thread, shared by all connections: what is in it is taken before anything else may run.
inline mutable_bytes scratch() noexcept
{
    static thread_local std::array<byte, 16 * 1024> bytes;
    return bytes;
}

} // namespace parley::detail
