// An object of a program that uses Asio as it comes: header-only, without a macro, without the framework.
#include "plain_asio.hpp"

#include <boost/asio.hpp>

#include <array>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

asio::awaitable<void> echo(tcp::acceptor& acceptor, bool& ended)
{
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    std::array<char, 64> bytes;
    boost::system::error_code error;
    while (!error) {
        const std::size_t size = co_await socket.async_read_some(
            asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
        if (size != 0) co_await asio::async_write(socket, asio::buffer(bytes, size), asio::use_awaitable);
    }
    ended = error == asio::error::eof;
    socket.shutdown(tcp::socket::shutdown_send);
}

asio::awaitable<void> call(tcp::endpoint at, bool& ended, std::string& heard)
{
    tcp::socket socket{co_await asio::this_coro::executor};
    co_await socket.async_connect(at, asio::use_awaitable);
    const std::string said = "plain Asio speaks here";
    co_await asio::async_write(socket, asio::buffer(said), asio::use_awaitable);
    socket.shutdown(tcp::socket::shutdown_send);
    boost::system::error_code error;
    co_await asio::async_read(socket, asio::dynamic_buffer(heard),
                              asio::redirect_error(asio::use_awaitable, error));
    ended = error == asio::error::eof && heard == said;
}

} // namespace

bool echo_with_plain_asio()
{
    asio::io_context context;
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    bool server_ended = false;
    bool client_ended = false;
    std::string heard;
    asio::co_spawn(context, echo(acceptor, server_ended), asio::detached);
    asio::co_spawn(context, call(acceptor.local_endpoint(), client_ended, heard), asio::detached);
    context.run();
    return server_ended && client_ended;
}
