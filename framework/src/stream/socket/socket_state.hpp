// What the system knows of a connected stream socket. Private to the framework.
#pragma once

#include <parley/stream/delivery.hpp>

#include <cstdint>
#include <optional>

namespace parley::detail {

// These are any_stream's functions of the same purpose, for the TCP or Unix socket `fd`. A closed one (-1)
// and a system that does not tell give false or nothing.
bool socket_was_reset(int fd) noexcept;
std::optional<delivery_counts> delivery_of_socket(int fd) noexcept;
std::optional<std::uint64_t> window_of_socket(int fd) noexcept;

} // namespace parley::detail
