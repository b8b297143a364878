#include <parley/transport/websocket.hpp>

#include "support/streams.hpp"
#include "transport/http/http_head.hpp"

#include <parley/async/spawn.hpp>

#include <utility>

namespace parley::test {
namespace {

const std::string presented_digits = "00112233445566778899AABBccddeeff";

TEST(open_websocket_test, meets_accept_websocket)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                websocket_accept_options options;
                auto accepted = co_await accept_websocket(pair.second, std::move(options));
                EXPECT_EQ(accepted.request.header("Host"), "relay.example:8080");
                EXPECT_EQ(accepted.request.header("User-Agent"), "parley");
                EXPECT_EQ(pair.second.kind(), stream_kind::room);
                EXPECT_EQ(pair.second.seat(), seat_token::from_text(presented_digits));
                auto failed = co_await write_all(pair.second, "hello");
                EXPECT_FALSE(failed);
                pair.second.close();
            },
            "server");
        const auto address = relay_address::parse("ws://relay.example:8080/lobby");
        const auto seat = seat_token::from_text(presented_digits);
        auto error = co_await open_websocket(pair.first, *address, stream_kind::room, {}, seat);
        EXPECT_FALSE(error);
        EXPECT_FALSE(pair.first.seat()) << "it is what the other side has presented";
        auto got = co_await read_to_end(pair.first);
        EXPECT_EQ(got.text, "hello");
        EXPECT_EQ(got.error, asio::error::eof);
        pair.first.close();
    });
}

// What open_websocket gives when its request, with a seat, is answered with these subprotocols.
struct opened {
    error_code error;
    std::string request;
    diagnostics diag;
};

opened open_with_answer(const std::string& protocols, const std::string& connection = "Connection: Upgrade",
                        const std::string& upgrade = "Upgrade: websocket")
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    opened out;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                while (out.request.find("\r\n\r\n") == std::string::npos) {
                    std::array<char, 512> buffer{};
                    auto read = co_await pair.second.async_read_some(asio::buffer(buffer), use_tuple);
                    if (std::get<0>(read)) co_return;
                    out.request.append(buffer.data(), std::get<1>(read));
                }
                const std::string before = "Sec-WebSocket-Key: ";
                const auto key = out.request.substr(out.request.find(before) + before.size(), 24);
                std::string answer = "HTTP/1.1 101 Switching Protocols\r\n" + upgrade + "\r\n";
                answer += connection + "\r\nSec-WebSocket-Accept: " + detail::websocket_accept_of(key);
                answer += "\r\n" + protocols + "\r\n";
                auto failed = co_await write_all(pair.second, answer);
                EXPECT_FALSE(failed);
            },
            "server");
        const auto address = relay_address::parse("ws://relay.example");
        const auto seat = seat_token::from_text(presented_digits);
        out.error = co_await open_websocket(pair.first, *address, stream_kind::room, {}, seat, &out.diag);
        pair.first.close();
    });
    return out;
}

TEST(open_websocket_test, presents_its_seat_and_takes_no_echo_of_it)
{
    const std::string name = "Sec-WebSocket-Protocol: ", lower = to_hex(from_hex(presented_digits).bytes);
    const opened plain = open_with_answer(name + "bob.room\r\n");
    EXPECT_FALSE(plain.error) << plain.diag.message();
    EXPECT_THAT(plain.request, ::testing::HasSubstr(name + "bob.room, bob.seat." + lower + "\r\n"));
    for (const std::string& bad :
         {std::string{}, name + "bob.seat." + lower + "\r\n", name + "bob.room, bob.seat." + lower + "\r\n",
          name + "bob.room\r\n" + name + "bob.seat." + lower + "\r\n", name + "bob.handshake\r\n"}) {
        const opened refused = open_with_answer(bad);
        EXPECT_EQ(refused.error, errc::upgrade_refused) << bad;
        EXPECT_EQ(refused.diag.message(), "the subprotocol was not taken") << bad;
    }
}

TEST(open_websocket_test, takes_an_answer_whose_lists_stand_on_several_lines)
{
    const std::string room = "Sec-WebSocket-Protocol: bob.room\r\n";
    for (const char* connection :
         {"Connection: keep-alive\r\nConnection: Upgrade", "connection: Upgrade\r\nCONNECTION: keep-alive",
          "Connection: keep-alive,,upgrade", "Connection:\r\nConnection: Upgrade"}) {
        const opened o = open_with_answer(room, connection);
        EXPECT_FALSE(o.error) << connection << ": " << o.diag.message();
    }
    const opened upgrades =
        open_with_answer(room, "Connection: Upgrade", "Upgrade: h2c\r\nUpgrade: websocket");
    EXPECT_FALSE(upgrades.error) << upgrades.diag.message();
    const opened empty = open_with_answer("Sec-WebSocket-Protocol:\r\n" + room);
    EXPECT_FALSE(empty.error) << empty.diag.message();
    for (const char* connection : {"Connection: keep-alive\r\nConnection: close", "X-Connection: Upgrade"})
        EXPECT_EQ(open_with_answer(room, connection).error, errc::upgrade_refused) << connection;
}

// What open_websocket gives when the answer is this one, and no WebSocket.
opened open_with_refusal(const std::string& answer, const char* address = "ws://relay.example/lobby")
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    opened out;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(pair.second, answer + "\r\n");
        EXPECT_FALSE(failed);
        const auto relay = relay_address::parse(address);
        out.error = co_await open_websocket(pair.first, *relay, stream_kind::room, {}, {}, &out.diag);
    });
    EXPECT_FALSE(pair.first.is_open());
    return out;
}

TEST(open_websocket_test, a_refusal_names_the_status)
{
    const std::pair<const char*, errc> statuses[] = {
        {"200 OK", errc::upgrade_refused},
        {"301 Moved Permanently", errc::upgrade_redirected},
        {"302 Found", errc::upgrade_redirected},
        {"307 Temporary Redirect", errc::upgrade_redirected},
        {"308 Permanent Redirect", errc::upgrade_redirected},
        {"400 Bad Request", errc::upgrade_refused},
        {"401 Unauthorized", errc::upgrade_denied},
        {"403 Forbidden", errc::upgrade_denied},
        {"404 Not Found", errc::upgrade_not_found},
        {"426 Upgrade Required", errc::upgrade_required},
        {"429 Too Many Requests", errc::upgrade_unavailable},
        {"500 Internal Server Error", errc::upgrade_refused},
        {"502 Bad Gateway", errc::upgrade_bad_gateway},
        {"503 Service Unavailable", errc::upgrade_unavailable},
        {"504 Gateway Timeout", errc::upgrade_bad_gateway},
    };
    for (const auto& [status, error] : statuses) {
        const opened o = open_with_refusal("HTTP/1.1 " + std::string{status} + "\r\nContent-Length: 0\r\n");
        EXPECT_EQ(o.error, error) << status;
        EXPECT_EQ(o.diag.message(), "HTTP status " + std::string{status});
    }
}

TEST(open_websocket_test, a_connection_that_ends_before_an_answer_is_lost)
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    diagnostics diag;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        const auto ended = co_await pair.second.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(ended));
        const auto relay = relay_address::parse("ws://relay.example");
        const auto error = co_await open_websocket(pair.first, *relay, stream_kind::room, {}, {}, &diag);
        EXPECT_EQ(error, errc::unexpected_end);
    });
    EXPECT_EQ(diag.message(), "the connection ended before an answer");
}

TEST(open_websocket_test, a_redirect_says_where_it_leads_and_what_to_try)
{
    struct redirect {
        const char* location;
        const char* said;
    };
    for (const redirect& r :
         {redirect{"https://relay.example/lobby",
                   "https://relay.example/lobby; try wss://relay.example/lobby"},
          redirect{"HTTP://other.example:81/#top",
                   "HTTP://other.example:81/#top; try ws://other.example:81/"},
          redirect{"wss://relay.example", "wss://relay.example; try wss://relay.example"},
          redirect{"//other.example/x", "//other.example/x; try ws://other.example/x"},
          redirect{"/there?a=b", "/there?a=b; try ws://relay.example:80/there?a=b"},
          redirect{"/lobby", "/lobby"}, // the same again
          redirect{"https://user@relay.example/", "https://user@relay.example/"},
          redirect{"login.html", "login.html"}, redirect{"tcp://relay.example:1", "tcp://relay.example:1"},
          redirect{"https://relay.example/\x9b[2J", "https://relay.example/\\x9b[2J"}}) {
        const opened o = open_with_refusal(
            "HTTP/1.1 301 Moved Permanently\r\nLocation: " + std::string{r.location} + "\r\n");
        EXPECT_EQ(o.error, errc::upgrade_redirected) << r.location;
        EXPECT_EQ(o.diag.message(), "HTTP status 301 Moved Permanently; it leads to " + std::string{r.said});
    }
    EXPECT_EQ(open_with_refusal("HTTP/1.1 302 Found\r\n").diag.message(), "HTTP status 302 Found");
    const std::string longest =
        "HTTP/1.1 302 Found\r\nLocation: https://relay.example/" + std::string(4000, 'x');
    EXPECT_LT(open_with_refusal(longest + "\r\n").diag.message().size(), 600U);
}

} // namespace
} // namespace parley::test
