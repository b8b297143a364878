// The names under which the framework uses Asio: one place to change the executor of every coroutine.
#pragma once

#include <parley/base/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace parley {

namespace asio = boost::asio;

// The executor of every stream, listener and coroutine of the framework. A connection, and all that works on
// it, belongs to one thread or strand.
using executor = asio::any_io_executor;
using tcp_endpoint = asio::ip::tcp::endpoint;

// What a plain verb (one without async_) returns.
template <class T = void>
using awaitable = asio::awaitable<T, executor>;

// The token of the house: a co_await of it gives a std::tuple that starts with the error_code, and expected
// failures do not throw. Bind the tuple to one name, then unpack it:
//     auto read = co_await stream.async_read_some(buffer, use_tuple);
//     auto [error, size] = read;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<executor>> use_tuple{
    asio::use_awaitable_t<executor>{}};

} // namespace parley
