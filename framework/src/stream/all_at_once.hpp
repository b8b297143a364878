// How much asio::async_write() offers to a stream in one turn. Private to the framework.
#pragma once

#include <parley/base/error.hpp>

#include <cstddef>
#include <limits>

namespace parley::detail {

// A completion condition: the write is complete when all is written, and every turn offers all that is left.
// Asio's own condition offers 64 KiB, which cuts a record of 64 KiB in two.
struct all_at_once {
    std::size_t operator()(const error_code& error, std::size_t) const noexcept
    {
        return error ? 0 : std::numeric_limits<std::size_t>::max();
    }
};

} // namespace parley::detail
