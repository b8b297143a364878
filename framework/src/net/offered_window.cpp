// Apart from all else: the system's own header has the field, the C library's does not yet, and the two
// cannot be read together.
#include "net/offered_window.hpp"

#ifdef __linux__
#include <cstddef>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

namespace parley::detail {

std::optional<std::uint64_t> offered_window(int fd) noexcept
{
#ifdef __linux__
    tcp_info info{};
    socklen_t size = sizeof info;
    constexpr std::size_t needed = offsetof(tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd;
    if (fd >= 0 && ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size >= needed)
        return info.tcpi_snd_wnd;
#endif
    (void)fd;
    return std::nullopt;
}

} // namespace parley::detail
