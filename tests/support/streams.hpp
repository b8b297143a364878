// Shared by tests of streams: an executor, pairs of streams of each kind, and short verbs.
#pragma once

#include <parley/stream/any_stream.hpp>
#include <parley/stream/memory_stream.hpp>
#include <parley/testing/run_until_done.hpp>
#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>

namespace parley::test {

using asio::ip::tcp;

inline const asio::ip::address loopback = asio::ip::make_address("127.0.0.1");

struct tcp_pair {
    tcp::socket first, second;
};

// Two connected sockets on loopback.
inline tcp_pair make_tcp_pair(asio::io_context& context)
{
    tcp::acceptor acceptor{context.get_executor(), {loopback, 0}};
    tcp_pair out{tcp::socket{context}, tcp::socket{context}};
    out.first.connect(acceptor.local_endpoint());
    acceptor.accept(out.second);
    return out;
}

// A stream type that a user of the framework might bring.
class user_stream {
public:
    explicit user_stream(tcp::socket s) : socket_(std::make_unique<tcp::socket>(std::move(s))) {}
    auto get_executor() { return socket_->get_executor(); }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token)
    {
        return socket_->async_read_some(buffers, std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token)
    {
        return socket_->async_write_some(buffers, std::forward<Token>(token));
    }
    void close() { socket_->close(); }
    void shutdown_send() { socket_->shutdown(tcp::socket::shutdown_send); }
    void reset_on_close(bool abort) { socket_->set_option(tcp::socket::linger{abort, 0}); }

private:
    std::unique_ptr<tcp::socket> socket_;
};

enum class kind { memory, tcp, tcp_on_context, wrapped };

inline std::string name_of(kind k)
{
    switch (k) {
    case kind::memory:
        return "memory";
    case kind::tcp:
        return "tcp";
    case kind::tcp_on_context:
        return "tcp_on_context";
    case kind::wrapped:
        return "wrapped";
    }
    return "?";
}

inline any_stream on_context(asio::io_context& context, tcp::socket socket)
{
    asio::basic_stream_socket<tcp, asio::io_context::executor_type> plain{context.get_executor()};
    plain.assign(tcp::v4(), socket.release());
    return make_tcp_stream(std::move(plain));
}

inline memory_stream_pair make_pair_of(asio::io_context& context, kind k)
{
    if (k == kind::memory) return make_memory_stream_pair(context.get_executor(), 64 * 1024);
    tcp_pair sockets = make_tcp_pair(context);
    switch (k) {
    case kind::tcp_on_context:
        return {on_context(context, std::move(sockets.first)),
                on_context(context, std::move(sockets.second))};
    case kind::wrapped:
        return {any_stream{user_stream{std::move(sockets.first)}},
                any_stream{user_stream{std::move(sockets.second)}}};
    default:
        return {make_tcp_stream(std::move(sockets.first)), make_tcp_stream(std::move(sockets.second))};
    }
}

inline awaitable<error_code> write_all(any_stream& stream, std::string text)
{
    auto written = co_await asio::async_write(stream, asio::buffer(text), use_tuple);
    co_return std::get<0>(written);
}

struct read_result {
    std::string text;
    error_code error;
};

// Reads until `size` bytes have arrived, or the end.
inline awaitable<read_result> read_up_to(any_stream& stream, std::size_t size)
{
    read_result out;
    std::string chunk(1024, '\0');
    while (out.text.size() < size && !out.error) {
        const std::size_t want = std::min(chunk.size(), size - out.text.size());
        auto read = co_await stream.async_read_some(asio::buffer(chunk.data(), want), use_tuple);
        out.error = std::get<0>(read);
        out.text.append(chunk, 0, std::get<1>(read));
    }
    co_return out;
}

inline awaitable<read_result> read_to_end(any_stream& stream)
{
    return read_up_to(stream, std::string::npos);
}

// Waits until the handlers that are ready now have run.
inline awaitable<void> yield_once()
{
    const executor ex = co_await asio::this_coro::executor;
    co_await asio::post(ex, asio::use_awaitable);
}

// A socket address where nothing answers: it listens, but its queue is full.
class black_hole {
public:
    explicit black_hole(asio::io_context& context) : acceptor_(context)
    {
        acceptor_.open(tcp::v4());
        acceptor_.bind({loopback, 0});
        acceptor_.listen(0);
        for (int i = 0; i < 16; ++i) {
            tcp::socket& filler = fillers_.emplace_back(context);
            filler.open(tcp::v4());
            filler.non_blocking(true);
            // Do not use Asio: its connect waits even on a non-blocking socket.
            const tcp_endpoint here = endpoint();
            if (::connect(filler.native_handle(), here.data(), static_cast<socklen_t>(here.size())) == 0)
                continue;
            // On loopback a successful connect completes before it returns or right after.
            pollfd wait{filler.native_handle(), POLLOUT, 0};
            if (errno == EINPROGRESS && ::poll(&wait, 1, 20) == 0) return;
        }
    }
    tcp_endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
    tcp::acceptor acceptor_;
    std::vector<tcp::socket> fillers_;
};

// A port on loopback that refuses connections and stays taken.
class refusing_port {
public:
    explicit refusing_port(asio::io_context& context) : socket_(context, tcp_endpoint{loopback, 0}) {}
    tcp_endpoint endpoint() const { return socket_.local_endpoint(); }

private:
    tcp::socket socket_;
};

} // namespace parley::test
