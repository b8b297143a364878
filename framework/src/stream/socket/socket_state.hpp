// The state of a connected stream socket, as the system reports it. Private to the framework.
#pragma once

#include <parley/stream/delivery.hpp>

#include <cstdint>
#include <optional>

namespace parley::detail {

// These implement the any_stream functions of the same purpose for the TCP or Unix socket `fd`. They return
// false or nullopt for a closed socket (-1) and for a system that does not tell.
bool socket_was_reset(int fd) noexcept;
std::optional<delivery_counts> delivery_of_socket(int fd) noexcept;
std::optional<std::uint64_t> window_of_socket(int fd) noexcept;
std::uint64_t memory_of_socket(int fd) noexcept;

} // namespace parley::detail
