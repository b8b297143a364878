// How much the other end of a TCP connection would take. Private to the net room.
#pragma once

#include <cstdint>
#include <optional>

namespace parley::detail {

// The window in bytes that the other end of the connected TCP socket `fd` has offered last. Nothing for
// another kind of socket, and where the system does not tell (Linux does since 5.4).
std::optional<std::uint64_t> offered_window(int fd) noexcept;

} // namespace parley::detail
