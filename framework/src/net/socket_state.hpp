// What the system knows of the socket behind a stream, and the stream itself does not tell. Private to the
// net room.
#pragma once

#include <parley/net/any_stream.hpp>

#include <optional>

#ifdef __linux__
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

namespace parley::detail {

// To be asked when a read has given the end of a stream whose own sending direction is still open. The system
// tells of a reset once only: when a write was told, a read sees an end like any other. But after a reset the
// connection is closed, while after an end in order it is half open. A Unix socket is asked the same way.
inline bool was_reset(const any_stream& stream) noexcept
{
#ifdef __linux__
    const int fd = stream.native_handle();
    if (fd < 0) return false;
    sockaddr_storage own{};
    socklen_t own_size = sizeof own;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 && own.ss_family == AF_UNIX) {
        pollfd closed{fd, 0, 0};
        return ::poll(&closed, 1, 0) > 0 && (closed.revents & POLLHUP) != 0;
    }
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
#else
    (void)stream;
    return false;
#endif
}

// How many bytes that were written the other end has not acknowledged yet; nothing where that cannot be
// known.
inline std::optional<std::size_t> unacknowledged_bytes(const any_stream& stream) noexcept
{
#ifdef __linux__
    int bytes = 0;
    const int fd = stream.native_handle();
    if (fd >= 0 && ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes >= 0) return static_cast<std::size_t>(bytes);
#endif
    (void)stream;
    return std::nullopt;
}

} // namespace parley::detail
