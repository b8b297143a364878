// Telling an end in order from what a reset leaves behind. Private to the net room.
#pragma once

#include <parley/net/any_stream.hpp>

#ifdef __linux__
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

namespace parley::detail {

// To be asked when a read has given the end of a stream whose own sending direction is still open. The system
// tells of a reset once only: when a write was told, a read sees an end like any other. But after a reset the
// connection is closed, while after an end in order it is half open.
inline bool was_reset(const any_stream& stream) noexcept
{
#ifdef __linux__
    const int fd = stream.native_handle();
    if (fd < 0) return false;
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
#else
    (void)stream;
    return false;
#endif
}

} // namespace parley::detail
