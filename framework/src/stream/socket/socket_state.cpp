// The kernel's header for TCP has fields that the C library's lacks. One file cannot include both, and Asio
// includes the C library's. So this file includes nothing of Asio, and no precompiled header.
#include "stream/socket/socket_state.hpp"

#ifdef __linux__
#include <algorithm>
#include <array>
#include <cstddef>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

namespace parley::detail {

#ifdef __linux__
namespace {

bool is_unix(int fd) noexcept
{
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.ss_family == AF_UNIX;
}

// The system's data about a TCP connection. nullopt when the system fills less than the first `needed` bytes
// of it.
std::optional<tcp_info> tcp_info_of(int fd, std::size_t needed) noexcept
{
    tcp_info info{};
    socklen_t size = sizeof info;
    if (fd < 0 || ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < needed)
        return std::nullopt;
    return info;
}

std::optional<std::uint64_t> acknowledged_bytes(int fd) noexcept
{
    constexpr std::size_t needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof(tcp_info::tcpi_bytes_acked);
    const auto info = tcp_info_of(fd, needed);
    if (!info) return std::nullopt;
    return info->tcpi_bytes_acked;
}

// The bytes that are written but not acknowledged (TCP), or not read (Unix).
std::optional<std::uint64_t> queued_bytes(int fd) noexcept
{
    int queued = 0;
    if (::ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0) return std::nullopt;
    return static_cast<std::uint64_t>(queued);
}

} // namespace

// A reset closes the connection; an end in order leaves it half open.
bool socket_was_reset(int fd) noexcept
{
    if (fd < 0) return false;
    if (is_unix(fd)) {
        pollfd closed{fd, 0, 0};
        return ::poll(&closed, 1, 0) > 0 && (closed.revents & POLLHUP) != 0;
    }
    constexpr std::uint8_t state_closed = 7; // TCP_CLOSE, which the kernel's header does not define
    const auto info = tcp_info_of(fd, offsetof(tcp_info, tcpi_ca_state));
    return info && info->tcpi_state == state_closed;
}

std::optional<delivery_counts> delivery_of_socket(int fd) noexcept
{
    if (fd < 0) return std::nullopt;
    if (is_unix(fd)) {
        const auto queued = queued_bytes(fd);
        if (!queued) return std::nullopt;
        // The system gives only the queued bytes, not a total: count back from a moment far ahead.
        constexpr std::uint64_t far_ahead = std::uint64_t{1} << 62;
        return delivery_counts{far_ahead, far_ahead - *queued};
    }
    // Both numbers must be of one moment. An acknowledgement between the two calls would inflate the written
    // bytes.
    constexpr int tries = 8;
    auto acknowledged = acknowledged_bytes(fd);
    for (int i = 0; i < tries; ++i) {
        const auto queued = queued_bytes(fd);
        const auto then = acknowledged_bytes(fd);
        if (!acknowledged || !queued || !then) return std::nullopt;
        if (*then == *acknowledged || i + 1 == tries)
            return delivery_counts{*acknowledged + *queued, *acknowledged};
        acknowledged = then;
    }
    return std::nullopt;
}

std::uint64_t memory_of_socket(int fd) noexcept
{
    std::array<std::uint32_t, SK_MEMINFO_VARS> all{};
    socklen_t size = sizeof(all);
    if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, all.data(), &size) != 0) return 0;
    // What is queued to be sent counts in one of two places, by the kind of socket.
    return std::uint64_t{all[SK_MEMINFO_RMEM_ALLOC]} +
           std::max(all[SK_MEMINFO_WMEM_ALLOC], all[SK_MEMINFO_WMEM_QUEUED]) + all[SK_MEMINFO_FWD_ALLOC] +
           all[SK_MEMINFO_BACKLOG];
}

std::optional<std::uint64_t> window_of_socket(int fd) noexcept
{
    constexpr std::size_t needed = offsetof(tcp_info, tcpi_snd_wnd) + sizeof(tcp_info::tcpi_snd_wnd);
    const auto info = tcp_info_of(fd, needed);
    if (!info) return std::nullopt;
    return info->tcpi_snd_wnd;
}
#else
bool socket_was_reset(int) noexcept
{
    return false;
}
std::optional<delivery_counts> delivery_of_socket(int) noexcept
{
    return std::nullopt;
}
std::uint64_t memory_of_socket(int) noexcept
{
    return 0;
}
std::optional<std::uint64_t> window_of_socket(int) noexcept
{
    return std::nullopt;
}
#endif

} // namespace parley::detail
