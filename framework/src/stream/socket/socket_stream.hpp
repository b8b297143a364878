// The common part of the streams over system sockets. Private to the framework.
#pragma once

#include "stream/socket/socket_state.hpp"

#include <parley/stream/any_stream.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace parley::detail {

// `Socket` is an asio::basic_stream_socket. Reads and waits are lossless under cancellation.
template <class Socket>
class socket_stream : public stream_base {
public:
    explicit socket_stream(Socket socket) : socket_(std::move(socket)) {}

    executor get_executor() const noexcept override { return const_cast<Socket&>(socket_).get_executor(); }

    void start_read(asio::mutable_buffer buffer, io_handler handler) override
    {
        socket_.async_read_some(buffer, std::move(handler));
    }

    void start_write(const gather_buffers& buffers, io_handler handler) override
    {
        // The operation copies the sequence. The usual single buffer should not take the space of sixteen.
        if (buffers.count() == 1)
            socket_.async_write_some(*buffers.begin(), std::move(handler));
        else
            socket_.async_write_some(buffers, std::move(handler));
    }

    void start_shutdown_send(wait_handler handler) override
    {
        error_code error;
        socket_.shutdown(Socket::shutdown_send, error);
        asio::post(socket_.get_executor(), asio::append(std::move(handler), error));
    }

    void start_wait_readable(wait_handler handler) override
    {
        socket_.async_wait(Socket::wait_read, std::move(handler));
    }

    void start_wait_writable(wait_handler handler) override
    {
        socket_.async_wait(Socket::wait_write, std::move(handler));
    }

    std::size_t try_read_some(mutable_bytes out, error_code& error) noexcept override
    {
        error.clear();
        if (out.empty()) return 0;
        ssize_t size = -1;
        do size = ::recv(socket_.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
        while (size < 0 && errno == EINTR);
        if (size > 0) return static_cast<std::size_t>(size);
        if (size == 0)
            error = asio::error::eof;
        else
            set_error(error);
        return 0;
    }

    std::size_t try_write_some(const gather_buffers& buffers, error_code& error) noexcept override
    {
        error.clear();
        std::array<iovec, gather_buffers::max_buffers> pieces;
        msghdr message{};
        message.msg_iov = pieces.data();
        for (const asio::const_buffer& buffer : buffers)
            pieces[message.msg_iovlen++] = {const_cast<void*>(buffer.data()), buffer.size()};
        ssize_t size = -1;
        do size = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        while (size < 0 && errno == EINTR);
        if (size >= 0) return static_cast<std::size_t>(size);
        set_error(error);
        return 0;
    }

    bool can_move() const noexcept override { return socket_.is_open(); }

    error_code move_to(const executor& target) override
    {
        using own_executor = typename Socket::executor_type;
        const own_executor* const to = own_type_of<own_executor>(target);
        if (to == nullptr) return asio::error::operation_not_supported;
        error_code error;
        const auto protocol = socket_.local_endpoint(error).protocol();
        Socket moved{*to};
        if (!error) moved.assign(protocol, socket_.native_handle(), error);
        if (error) {
            close();
            return error;
        }
        socket_.release(error);
        socket_ = std::move(moved);
        return error;
    }

    bool is_open() const noexcept override { return socket_.is_open(); }
    int native_handle() const noexcept override { return const_cast<Socket&>(socket_).native_handle(); }
    bool was_reset() const noexcept override { return was_reset_ || socket_was_reset(native_handle()); }
    std::optional<delivery_counts> delivery() const noexcept override
    {
        return delivery_of_socket(native_handle());
    }
    std::optional<std::uint64_t> peer_window() const noexcept override
    {
        return window_of_socket(native_handle());
    }
    std::uint64_t system_memory() const noexcept override { return memory_of_socket(native_handle()); }

protected:
    // The implementation of close(). It stores was_reset() first: a closed socket no longer knows.
    void close_socket() noexcept
    {
        was_reset_ = was_reset();
        error_code ignored;
        socket_.close(ignored);
    }

    Socket socket_;

private:
    static void set_error(error_code& error) noexcept
    {
        if (errno == EAGAIN)
            error = asio::error::would_block;
        else
            error.assign(errno, boost::system::system_category());
    }

    bool was_reset_ = false;

    template <class Executor>
    static const Executor* own_type_of(const executor& any) noexcept
    {
        if constexpr (std::same_as<Executor, executor>)
            return &any;
        else
            return any.target<Executor>();
    }
};

} // namespace parley::detail
