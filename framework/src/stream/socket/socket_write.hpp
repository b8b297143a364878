// Writing to a socket without waiting, beside its asynchronous operations. Private to the framework.
#pragma once

#include <parley/stream/any_stream.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace parley::detail {

// Writes what `socket` takes of `buffers` now and gives its size; 0 is no error when that is nothing. No
// write may be under way on it.
inline std::size_t write_now(int socket, const gather_buffers& buffers, error_code& error) noexcept
{
    error.clear();
    std::array<iovec, gather_buffers::max_buffers> pieces;
    msghdr message{};
    message.msg_iov = pieces.data();
    for (const asio::const_buffer& buffer : buffers)
        pieces[message.msg_iovlen++] = {const_cast<void*>(buffer.data()), buffer.size()};
    ssize_t size = -1;
    do size = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EAGAIN) error.assign(errno, boost::system::system_category());
    return 0;
}

} // namespace parley::detail
