// Streams of asio::ssl and Beast on ours, and ours on theirs.
#include "support/streams.hpp"

#include <parley/async/spawn.hpp>
#include <parley/stream/beast_websocket.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace parley::test {
namespace {

namespace ssl = asio::ssl;
namespace websocket = boost::beast::websocket;

// Without certificates, of which this is no test.
ssl::context anonymous_context()
{
    ssl::context out{ssl::context::tlsv12};
    SSL_CTX_set_cipher_list(out.native_handle(), "AECDH-AES256-SHA:@SECLEVEL=0");
    return out;
}

template <class Stream, class Start>
void handshake_both(asio::io_context& context, Stream& client, Stream& server, Start start)
{
    int done = 0;
    const auto handler = [&](error_code error) {
        EXPECT_FALSE(error) << error.message();
        ++done;
    };
    start(client, server, handler);
    while (done < 2) context.run_one();
}

void expect_bytes_pass(asio::io_context& context, any_stream& from, any_stream& to)
{
    testing::run_until_done(context, [&]() -> awaitable<void> {
        const std::string text(30'000, 'x');
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto failed = co_await write_all(from, text);
                EXPECT_FALSE(failed);
            },
            "writes");
        auto waited = co_await to.async_wait_readable(use_tuple);
        EXPECT_FALSE(std::get<0>(waited));
        auto got = co_await read_up_to(to, text.size());
        EXPECT_TRUE(got.text == text);
    });
}

TEST(next_layer_test, asio_ssl_stands_on_a_stream_and_a_stream_on_asio_ssl)
{
    asio::io_context context;
    ssl::context tls = anonymous_context();
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    ssl::stream<any_stream> client{std::move(pair.first), tls}, server{std::move(pair.second), tls};
    handshake_both(context, client, server, [](auto& a, auto& b, auto handler) {
        a.async_handshake(ssl::stream_base::client, handler);
        b.async_handshake(ssl::stream_base::server, handler);
    });
    EXPECT_EQ(&client.lowest_layer(), &client.next_layer());
    any_stream first{std::move(client)}, second{std::move(server)};
    expect_bytes_pass(context, first, second);
    expect_bytes_pass(context, second, first);
    first.close();
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(second);
        EXPECT_EQ(got.error, ssl::error::stream_truncated);
    });
    second.close();
    EXPECT_TRUE(testing::drain(context));
}

// Beast's operations post to the executors of their handlers.
TEST(next_layer_test, a_stream_stands_on_beasts_and_completes_on_the_handlers_executor)
{
    asio::io_context context, other;
    tcp_pair sockets = make_tcp_pair(context);
    any_stream first{boost::beast::tcp_stream{std::move(sockets.first)}};
    any_stream second{boost::beast::tcp_stream{std::move(sockets.second)}};
    expect_bytes_pass(context, first, second);
    std::array<char, 3> buffer{};
    std::size_t got = 0;
    second.async_read_some(asio::buffer(buffer),
                           asio::bind_executor(other, [&](error_code, std::size_t size) { got = size; }));
    context.restart();
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(first, "abc");
        EXPECT_FALSE(failed);
    });
    testing::drain(context);
    EXPECT_EQ(got, 0u);
    testing::drain(other);
    EXPECT_EQ(got, 3u);
    second.close();
    first.close();
}

struct beast_pair {
    std::unique_ptr<websocket::stream<any_stream, false>> client, server;
};

beast_pair make_websockets(asio::io_context& context)
{
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    beast_pair out{std::make_unique<beast_websocket>(std::move(pair.first)),
                   std::make_unique<beast_websocket>(std::move(pair.second))};
    handshake_both(context, *out.client, *out.server, [](auto& a, auto& b, auto handler) {
        b.async_accept(handler);
        a.async_handshake("relay.example", "/", handler);
    });
    return out;
}

TEST(next_layer_test, beasts_websocket_ends_a_stream_in_order)
{
    asio::io_context context;
    beast_pair beast = make_websockets(context);
    error_code closed = errc::timed_out, read = errc::timed_out;
    std::array<char, 8> buffer{};
    beast.client->async_close(websocket::close_code::normal, [&](error_code error) { closed = error; });
    beast.server->async_read_some(asio::buffer(buffer), [&](error_code error, std::size_t) { read = error; });
    EXPECT_TRUE(testing::drain(context));
    EXPECT_FALSE(closed);
    EXPECT_EQ(read, websocket::error::closed);
    EXPECT_FALSE(beast.client->next_layer().is_open());
    EXPECT_FALSE(beast.server->next_layer().is_open());
    EXPECT_EQ(&boost::beast::get_lowest_layer(*beast.client), &beast.client->next_layer());
}

TEST(next_layer_test, beasts_websocket_closes_a_silent_stream)
{
    asio::io_context context;
    beast_pair beast = make_websockets(context);
    beast.server->set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                             std::chrono::milliseconds{20}, false});
    error_code read;
    std::array<char, 8> buffer{};
    beast.server->async_read_some(asio::buffer(buffer), [&](error_code error, std::size_t) { read = error; });
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(read, boost::beast::error::timeout);
    EXPECT_FALSE(beast.server->next_layer().is_open());
}

} // namespace
} // namespace parley::test
