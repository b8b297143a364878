// A shared buffer for reads. Private to the framework.
#pragma once

#include <parley/base/bytes.hpp>

#include <array>

namespace parley::detail {

// One for each thread, shared by all its connections. Consume its content before any other code runs.
inline mutable_bytes scratch() noexcept
{
    static thread_local std::array<byte, 16 * 1024> bytes;
    return bytes;
}

} // namespace parley::detail
