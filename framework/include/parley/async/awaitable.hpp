// The framework's names for Asio types. The executor of every coroutine is chosen here.
#pragma once

#include <parley/base/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace parley {

namespace asio = boost::asio;

// The executor of every stream, acceptor and coroutine of the framework. A connection and all its objects
// belong to one thread or strand.
using executor = asio::any_io_executor;
using tcp_endpoint = asio::ip::tcp::endpoint;

// The return type of a function without the prefix async_.
template <class T = void>
using awaitable = asio::awaitable<T, executor>;

// The framework's usual completion token: co_await gives a std::tuple that starts with the error_code, and
// expected failures do not throw. Bind the tuple to one name, then unpack it:
//     auto read = co_await stream.async_read_some(buffer, use_tuple);
//     auto [error, size] = read;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<executor>> use_tuple{
    asio::use_awaitable_t<executor>{}};

} // namespace parley
