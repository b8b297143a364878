// async_offer() and async_join(): two peers, one relay, and the stream that they get.
#include "meeting_world.hpp"

#include <parley/session/meeting.hpp>

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace parley::test {
namespace {

namespace http = boost::beast::http;

// One side's operation.
struct met {
    bool done = false;
    error_code error;
    parley::meeting result;
    diagnostics diag;
    asio::cancellation_signal cancel;

    auto token(world& w)
    {
        auto handler = [this](error_code why, parley::meeting m) {
            done = true;
            error = why;
            result = std::move(m);
        };
        return asio::bind_executor(w.context.get_executor(),
                                   asio::bind_cancellation_slot(cancel.slot(), std::move(handler)));
    }
};

struct two_peers {
    void offer(const std::string& password = "p", const std::string& protocol = "chat")
    {
        offer_options options;
        options.protocol(protocol).random(&w.random).blocking(w.context.get_executor()).reconnect(false);
        options.diagnostics(&server.diag);
        async_offer(w.address("10.0.0.1"), secret_bytes{password}, options, server.token(w));
    }
    void join(const std::string& password = "p", const std::string& protocol = "chat")
    {
        join_options options;
        options.protocol(protocol).random(&w.random).blocking(w.context.get_executor()).reconnect(false);
        options.diagnostics(&client.diag);
        async_join(w.address("10.0.0.2"), secret_bytes{password}, options, client.token(w));
    }
    void meet()
    {
        offer();
        w.settle();
        join();
        ASSERT_TRUE(w.run_until([&] { return server.done && client.done; }));
        ASSERT_FALSE(server.error) << server.diag.message();
        ASSERT_FALSE(client.error) << client.diag.message();
    }

    world w{over::memory, announcing_at_once()};
    met server, client;
};

TEST(meeting, gives_both_a_stream_and_equal_keys)
{
    two_peers peers;
    peers.meet();
    meeting &a = peers.server.result, &b = peers.client.result;
    EXPECT_EQ(a.self, b.peer);
    EXPECT_EQ(a.peer, b.self);
    EXPECT_EQ(a.stream.peer_hello().protocol, "chat");
    EXPECT_TRUE(a.stream.peer_hello().software.starts_with("parley "));
    auto ours = a.export_key("label", 32), theirs = b.export_key("label", 32);
    ASSERT_TRUE(ours && theirs);
    EXPECT_EQ(ours->size(), 32u);
    EXPECT_EQ(ours->text(), theirs->text());
    auto others = a.export_key("label", 32, as_bytes("context"));
    ASSERT_TRUE(others);
    EXPECT_NE(ours->text(), others->text());
    EXPECT_FALSE(a.export_key("label", 65));
    EXPECT_FALSE(a.export_key("label", 0));
    EXPECT_EQ(a.reconnection_password().text(), b.reconnection_password().text());
    std::string got(5, '\0');
    asio::async_write(a.stream, asio::buffer("hello", 5),
                      [](error_code error, std::size_t) { EXPECT_FALSE(error); });
    asio::async_read(b.stream, asio::buffer(got), [](error_code error, std::size_t) { EXPECT_FALSE(error); });
    peers.w.settle();
    EXPECT_EQ(got, "hello");
    a.stream.close();
    b.stream.close();
    peers.w.settle();
}

TEST(meeting, both_learn_of_another_protocol)
{
    two_peers peers;
    peers.offer("p", "chat");
    peers.w.settle();
    peers.join("p", "rpc");
    ASSERT_TRUE(peers.w.run_until([&] { return peers.server.done && peers.client.done; }));
    EXPECT_EQ(peers.server.error, errc::protocol_mismatch);
    EXPECT_EQ(peers.client.error, errc::protocol_mismatch);
    EXPECT_THAT(peers.server.diag.message(), ::testing::HasSubstr("'rpc' there, 'chat' here"));
}

TEST(meeting, is_cancelled_while_it_waits)
{
    two_peers peers;
    peers.offer();
    peers.w.settle();
    EXPECT_FALSE(peers.server.done);
    peers.server.cancel.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(peers.w.run_until([&] { return peers.server.done; }));
    EXPECT_EQ(peers.server.error, errc::cancelled);
    peers.w.settle();
    EXPECT_EQ(peers.w.log.balance, 0);
}

TEST(meeting, wants_a_protocol)
{
    two_peers peers;
    peers.offer("p", "");
    ASSERT_TRUE(peers.w.run_until([&] { return peers.server.done; }));
    EXPECT_EQ(peers.server.error, boost::system::errc::invalid_argument);
    EXPECT_THAT(peers.server.diag.message(), ::testing::HasSubstr("protocol"));
}

// By default the operation is deferred: nothing happens before it is awaited.
TEST(meeting, is_awaited_and_carries_http)
{
    world w{over::memory, announcing_at_once()};
    offer_options offering;
    offering.protocol("http").random(&w.random);
    join_options joining;
    joining.protocol("http").random(&w.random);
    bool served = false, answered = false;
    asio::co_spawn(
        w.context,
        [&]() -> awaitable<void> {
            auto operation = async_offer(w.address("10.0.0.1"), secret_bytes{"p"}, offering);
            auto server = co_await std::move(operation)(asio::use_awaitable_t<executor>{});
            boost::beast::flat_buffer buffer;
            http::request<http::string_body> request;
            co_await http::async_read(server.stream, buffer, request, asio::use_awaitable_t<executor>{});
            http::response<http::string_body> response{http::status::ok, 11};
            response.body() = "you asked for " + std::string{request.target()};
            response.prepare_payload();
            co_await http::async_write(server.stream, response, asio::use_awaitable_t<executor>{});
            co_await server.stream.async_shutdown_send(asio::use_awaitable_t<executor>{});
            auto over = co_await server.stream.async_wait_finished(use_tuple);
            EXPECT_FALSE(std::get<0>(over));
            served = true;
        },
        [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    asio::co_spawn(
        w.context,
        [&]() -> awaitable<void> {
            auto client = co_await async_join(w.address("10.0.0.2"), secret_bytes{"p"}, joining,
                                              asio::use_awaitable_t<executor>{});
            http::request<http::empty_body> request{http::verb::get, "/time", 11};
            co_await http::async_write(client.stream, request, asio::use_awaitable_t<executor>{});
            boost::beast::flat_buffer buffer;
            http::response<http::string_body> response;
            co_await http::async_read(client.stream, buffer, response, asio::use_awaitable_t<executor>{});
            EXPECT_EQ(response.body(), "you asked for /time");
            std::array<char, 4> rest{};
            auto end = co_await client.stream.async_read_some(asio::buffer(rest), use_tuple);
            EXPECT_EQ(std::get<0>(end), asio::error::eof);
            client.stream.close();
            answered = true;
        },
        [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    EXPECT_TRUE(w.run_until([&] { return served && answered; }));
}

// TLS inside the session, as between two programs that have certificates of their own.
TEST(meeting, carries_tls)
{
    two_peers peers;
    peers.meet();
    asio::ssl::context tls{asio::ssl::context::tlsv12};
    SSL_CTX_set_cipher_list(tls.native_handle(), "AECDH-AES256-SHA:@SECLEVEL=0");
    asio::ssl::stream<secure_stream> server{std::move(peers.server.result.stream), tls};
    asio::ssl::stream<secure_stream> client{std::move(peers.client.result.stream), tls};
    int shaken = 0;
    const auto count = [&](error_code error) {
        EXPECT_FALSE(error) << error.message();
        ++shaken;
    };
    server.async_handshake(asio::ssl::stream_base::server, count);
    client.async_handshake(asio::ssl::stream_base::client, count);
    ASSERT_TRUE(peers.w.run_until([&] { return shaken == 2; }));
    std::string got(5, '\0');
    asio::async_write(server, asio::buffer("hello", 5),
                      [](error_code error, std::size_t) { EXPECT_FALSE(error); });
    asio::async_read(client, asio::buffer(got), [](error_code error, std::size_t) { EXPECT_FALSE(error); });
    peers.w.settle();
    EXPECT_EQ(got, "hello");
    server.next_layer().close();
    client.next_layer().close();
    peers.w.settle();
}

} // namespace
} // namespace parley::test
