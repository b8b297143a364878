#include <parley/transport/websocket.hpp>

#include "stream/layer/websocket_layer.hpp"
#include "stream_laws.hpp"
#include "support/websockets.hpp"
#include "transport/http/http_head.hpp"

#include <parley/async/spawn.hpp>

#include <netinet/tcp.h>

#include <algorithm>
#include <utility>

namespace parley::test {
namespace {

// A peer's stream, which is Beast's, and a relay's.
struct sides {
    any_stream client, server;
};

sides make_sides(asio::io_context& context, kind below = kind::memory)
{
    sides out;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto pair = make_pair_of(context, below);
        pair = co_await open_websocket_over(std::move(pair), stream_kind::handshake);
        out.client = std::move(pair.first);
        out.server = std::move(pair.second);
    });
    context.restart();
    return out;
}

// A server's stream over one end, and the other end as it is.
struct bare {
    any_stream raw, server;
};

bare make_bare(asio::io_context& context, websocket_options options = {})
{
    auto pair = make_pair_of(context, kind::tcp);
    return {std::move(pair.first),
            detail::make_server_websocket_stream(std::move(pair.second), stream_kind::handshake, options)};
}

std::string bytes_of(std::string_view hex)
{
    const byte_vector bytes = from_hex(hex).bytes;
    return std::string{as_text(bytes)};
}

class websocket_stream_test : public ::testing::TestWithParam<kind> {};
INSTANTIATE_TEST_SUITE_P(below, websocket_stream_test, ::testing::Values(kind::memory, kind::tcp),
                         [](const auto& at) { return name_of(at.param); });

TEST_P(websocket_stream_test, carries_bytes_both_ways_and_ends_in_order)
{
    asio::io_context context;
    sides s = make_sides(context, GetParam());
    expect_each_side_ends_by_itself(context, s.client, s.server);
}

TEST_P(websocket_stream_test, an_abort_is_no_end)
{
    asio::io_context context;
    sides s = make_sides(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        s.client.reset_on_close(true);
        s.client.close();
        auto got = co_await read_to_end(s.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
    });
}

TEST_P(websocket_stream_test, a_cancelled_read_loses_nothing)
{
    asio::io_context context;
    sides s = make_sides(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        std::array<char, 16> buffer{};
        for (int i = 0; i < 3; ++i) {
            asio::cancellation_signal cancel;
            error_code cancelled;
            s.server.async_read_some(
                asio::buffer(buffer),
                asio::bind_cancellation_slot(cancel.slot(), [&](error_code e, std::size_t n) {
                    cancelled = e;
                    EXPECT_EQ(n, 0u);
                }));
            co_await yield_once();
            cancel.emit(asio::cancellation_type::total);
            while (!cancelled) co_await yield_once();
            EXPECT_EQ(cancelled, asio::error::operation_aborted);
            auto failed = co_await write_all(s.client, "abc");
            EXPECT_FALSE(failed);
            auto got = co_await read_up_to(s.server, 3);
            EXPECT_EQ(got.text, "abc");
        }
        s.client.close();
        s.server.close();
    });
}

// Large writes go out beside the stream's own buffer, as far as the socket takes them.
TEST(websocket_stream_test, a_slow_reader_gets_every_byte_and_every_pong_in_its_place)
{
    asio::io_context context;
    websocket_options options;
    options.max_handshake_message_bytes = options.max_room_message_bytes;
    bare b = make_bare(context, options);
    const byte_vector sent(16u << 20, 'x');
    bool written = false;
    asio::async_write(b.server, asio::buffer(sent), [&](error_code error, std::size_t size) {
        EXPECT_FALSE(error);
        EXPECT_EQ(size, sent.size());
        written = true;
    });
    std::array<byte, 100> into;
    b.server.async_read_some(asio::buffer(into), [](error_code, std::size_t) {});
    context.poll();
    ASSERT_FALSE(written) << "the socket is full";
    const std::string pings = bytes_of("898000000000"
                                       "898000000000");
    asio::async_write(b.raw, asio::buffer(pings), [](error_code error, std::size_t) { EXPECT_FALSE(error); });
    context.poll();

    byte_vector part(300'000);
    std::size_t got = 0, all = 0;
    // asio::async_write hands on 64 KiB at a time: as many messages, and two pongs between them.
    const std::size_t expected = sent.size() + sent.size() / 65536 * 10 + 2 * 2;
    const time_point end = clock::now() + testing::test_patience;
    while (all < expected && clock::now() < end) {
        context.poll();
        error_code error;
        const std::size_t size = b.raw.try_read_some(part, error);
        all += size;
        got += static_cast<std::size_t>(
            std::count(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size), 'x'));
    }
    EXPECT_EQ(got, sent.size());
    EXPECT_EQ(all, expected);
    context.poll();
    EXPECT_TRUE(written);
}

TEST(websocket_stream_test, close_ends_what_is_under_way)
{
    asio::io_context context;
    sides s = make_sides(context);
    error_code waited;
    s.server.async_wait_readable([&](error_code e) { waited = e; });
    s.server.close();
    s.client.close();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(waited, asio::error::operation_aborted);
}

struct refusal {
    const char* hex;
    const char* answer;
};

TEST(websocket_stream_test, broken_rules_are_answered_before_the_connection_ends)
{
    for (const refusal& r : {refusal{"81810000000061", "880203eb"}, refusal{"82fe040100000000", "880203f1"},
                             refusal{"8201", "880203ea"}, refusal{"88830000000003e8ff", "880203ef"}}) {
        asio::io_context context;
        bare b = make_bare(context);
        testing::run_until_done(context, [&]() -> awaitable<void> {
            auto failed = co_await write_all(b.raw, bytes_of(r.hex));
            EXPECT_FALSE(failed);
            auto got = co_await read_to_end(b.server);
            EXPECT_EQ(got.error, errc::bad_framing) << r.hex;
            b.server.close();
            auto answer = co_await read_to_end(b.raw);
            EXPECT_EQ(answer.text, bytes_of(r.answer)) << r.hex;
            EXPECT_EQ(answer.error, asio::error::eof);
            b.raw.close();
        });
    }
}

TEST(websocket_stream_test, a_flood_without_data_ends_the_connection)
{
    for (const char* hex : {"898000000000", "8a8000000000", "828000000000"}) {
        asio::io_context context;
        bare b = make_bare(context);
        testing::run_until_done(context, [&]() -> awaitable<void> {
            std::string flood;
            for (int i = 0; i < 1000; ++i) flood += bytes_of(hex);
            flood += bytes_of("81810000000061");
            auto failed = co_await write_all(b.raw, flood);
            EXPECT_FALSE(failed);
            auto got = co_await read_to_end(b.server);
            EXPECT_EQ(got.error, errc::bad_framing) << hex;
            b.server.close();
            auto answer = co_await read_to_end(b.raw);
            EXPECT_LT(answer.text.size(), 64u * 2 + 10);
            EXPECT_THAT(answer.text, ::testing::EndsWith(bytes_of("880203f0"))) << hex;
            EXPECT_EQ(answer.error, asio::error::eof);
            b.raw.close();
        });
    }
}

TEST(websocket_stream_test, only_1000_is_an_end)
{
    struct ending {
        const char* code;
        bool in_order;
    };
    for (const ending& e :
         {ending{"03e8", true}, ending{"03e9", false}, ending{"03f3", false}, ending{"0fa0", false}}) {
        asio::io_context context;
        bare b = make_bare(context);
        testing::run_until_done(
            context, [&, hex = std::string{"888200000000"} + e.code]() -> awaitable<void> {
                auto failed = co_await write_all(b.raw, bytes_of(hex));
                EXPECT_FALSE(failed);
                auto got = co_await read_to_end(b.server);
                EXPECT_EQ(got.error == asio::error::eof, e.in_order) << hex;
                b.server.close();
                auto answer = co_await read_to_end(b.raw);
                EXPECT_EQ(answer.text, bytes_of("8802" + hex.substr(12))) << "the code is sent back";
                b.raw.close();
            });
    }
}

TEST(websocket_stream_test, a_connection_that_just_ends_is_a_reset)
{
    asio::io_context context;
    bare b = make_bare(context);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        b.raw.close();
        auto got = co_await read_to_end(b.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
    });
}

TEST(websocket_stream_test, a_silent_peer_is_pinged_and_dropped)
{
    websocket_options options;
    options.ping_interval = std::chrono::milliseconds{20};
    options.pong_timeout = std::chrono::milliseconds{40};
    asio::io_context context;
    bare b = make_bare(context, options);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(b.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        auto seen = co_await read_to_end(b.raw);
        EXPECT_EQ(seen.text, bytes_of("89008900")) << "gone 40 ms after the first ping";
        EXPECT_EQ(seen.error, asio::error::connection_reset);
    });
}

TEST(websocket_stream_test, passes_the_acknowledgement_timeout_on)
{
    asio::io_context context;
    auto pair = make_pair_of(context, kind::tcp);
    const int descriptor = pair.second.native_handle();
    any_stream server =
        detail::make_server_websocket_stream(std::move(pair.second), stream_kind::handshake, {});
    server.set_acknowledgement_timeout(std::chrono::seconds{75});
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
    EXPECT_EQ(value, 75'000);
}

TEST(websocket_stream_test, a_peer_that_answers_stays)
{
    websocket_options options;
    options.ping_interval = std::chrono::milliseconds{5};
    options.pong_timeout = std::chrono::milliseconds{500};
    asio::io_context context;
    bare b = make_bare(context, options);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        error_code ended;
        std::array<char, 4> buffer{};
        b.server.async_read_some(asio::buffer(buffer), [&](error_code e, std::size_t) { ended = e; });
        for (int i = 0; i < 20; ++i) {
            auto ping = co_await read_up_to(b.raw, 2);
            EXPECT_EQ(ping.text, bytes_of("8900"));
            auto failed = co_await write_all(b.raw, bytes_of("8a8000000000"));
            EXPECT_FALSE(failed);
        }
        EXPECT_FALSE(ended);
        b.server.close();
        b.raw.close();
    });
}

// One request to accept_websocket, and what it answers.
struct exchange {
    websocket_accepted accepted;
    std::optional<seat_token> seat;
    std::string answer;
    any_stream server;
};

exchange ask(const std::string& request, websocket_accept_options options = {})
{
    asio::io_context context;
    auto pair = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    exchange out;
    out.server = std::move(pair.second);
    spawn(
        context.get_executor(),
        [&]() -> awaitable<void> {
            out.accepted = co_await accept_websocket(out.server, options);
            if (out.accepted.error) co_return;
            out.seat = out.server.seat();
            out.server.close();
        },
        "server");
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(pair.first, request);
        EXPECT_FALSE(failed);
        auto shut = co_await pair.first.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(shut));
        auto got = co_await read_to_end(pair.first);
        out.answer = got.text;
    });
    testing::drain(context);
    out.server = {};
    return out;
}

std::string request_with(const std::string& protocol, const std::string& target = "/",
                         const std::string& more = {})
{
    return "GET " + target +
           " HTTP/1.1\r\nHost: relay.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
           "13\r\nSec-WebSocket-Protocol: " +
           protocol + "\r\n" + more + "\r\n";
}

TEST(accept_websocket_test, opens_a_stream_of_the_kind_that_the_subprotocol_names)
{
    exchange x = ask(request_with("chat, bob.room", "/lobby?x=1", "X-Real-IP: 192.0.2.1\r\n"));
    EXPECT_FALSE(x.accepted.error);
    EXPECT_EQ(x.accepted.status, 101u);
    EXPECT_EQ(x.accepted.request.path(), "/lobby");
    EXPECT_EQ(x.accepted.request.header("x-real-ip"), "192.0.2.1");
    EXPECT_THAT(x.answer, ::testing::HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_THAT(x.answer, ::testing::HasSubstr("Sec-WebSocket-Protocol: bob.room\r\n\r\n"));
}

TEST(accept_websocket_test, a_list_may_stand_on_several_lines)
{
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: bob.room\r\n";
    const std::string upgrade = "Upgrade: websocket\r\n", connection = "Connection: Upgrade\r\n";
    for (const std::string& lists :
         {"Connection: keep-alive\r\n" + connection + upgrade,
          connection + "connection: keep-alive\r\n" + upgrade, "Connection:\r\n" + connection + upgrade,
          "Connection: keep-alive, ,\tUPGRADE\r\n" + upgrade, connection + "Upgrade: h2c\r\n" + upgrade,
          connection + "UPGRADE: WebSocket, h2c\r\n"})
        EXPECT_EQ(ask(start + lists + "\r\n").accepted.status, 101u) << lists;
    for (const std::string& lists :
         {upgrade + "Connection: keep-alive\r\nConnection: close\r\n", upgrade + "X-Connection: Upgrade\r\n",
          connection + "Upgrade: web\r\nUpgrade: socket\r\n", upgrade + "Connection: upgraded\r\n"})
        EXPECT_EQ(ask(start + lists + "\r\n").accepted.status, 426u) << lists;
    const exchange both = ask(request_with("chat\r\nSec-WebSocket-Protocol: bob.handshake"));
    EXPECT_EQ(both.accepted.status, 101u);
    EXPECT_THAT(both.answer, ::testing::HasSubstr("Sec-WebSocket-Protocol: bob.handshake\r\n"));
}

TEST(accept_websocket_test, refuses_with_the_status_that_says_why)
{
    websocket_accept_options one_path;
    one_path.path = "/lobby";
    EXPECT_EQ(ask(request_with("bob.room", "/"), one_path).accepted.status, 404u);
    EXPECT_EQ(ask(request_with("bob.room", "/lobby?a"), one_path).accepted.status, 101u);
    EXPECT_EQ(ask(request_with("chat")).accepted.status, 400u);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").accepted.status, 426u);
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n", one_path).accepted.status, 404u);
    EXPECT_EQ(ask("rubbish\r\n\r\n").accepted.status, 400u);
    EXPECT_EQ(ask(request_with("bob.room", "/", "A: " + std::string(9000, 'a') + "\r\n")).accepted.status,
              431u);
    const exchange x = ask(request_with("chat"));
    EXPECT_EQ(x.accepted.error, errc::upgrade_refused);
    EXPECT_THAT(x.answer, ::testing::StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

const std::string seat_digits = "00112233445566778899AABBccddeeff";
const std::string seat_value = "bob.seat." + seat_digits;

TEST(accept_websocket_test, takes_a_seat_from_anywhere_in_the_list_and_echoes_it_nowhere)
{
    for (const char* kind : {"bob.handshake", "bob.room"})
        for (const std::string& offered :
             {kind + (", " + seat_value), seat_value + "," + kind,
              "a ,\t" + seat_value + "\t , " + kind + ",b",
              kind + ("\r\nsec-websocket-protocol: " + seat_value),
              seat_value + "\r\nSec-WebSocket-Protocol: " + kind, kind + (", BOB.Seat." + seat_digits)}) {
            std::string seen;
            websocket_accept_options options;
            options.on_upgrade = [&](const http_request& request) -> std::optional<http_answer> {
                for (const auto& [name, value] : request.headers) seen += name + ": " + value + "\n";
                return std::nullopt;
            };
            const exchange x = ask(request_with(offered), options);
            EXPECT_EQ(x.accepted.status, 101u) << offered;
            EXPECT_EQ(x.seat, seat_token::from_text(seat_digits)) << offered;
            EXPECT_THAT(x.answer,
                        ::testing::HasSubstr(std::string{"Sec-WebSocket-Protocol: "} + kind + "\r\n\r\n"));
            for (const auto& [name, value] : x.accepted.request.headers) seen += name + ": " + value + "\n";
            for (const std::string& text : {x.answer, seen}) {
                EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("0011223344"))) << offered;
                EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("eat."))) << offered;
            }
        }
    EXPECT_FALSE(ask(request_with("bob.room, chat")).seat);
}

TEST(accept_websocket_test, refuses_a_malformed_seat_and_a_second_one)
{
    for (const std::string& bad :
         {std::string{"bob.seat."}, seat_value.substr(0, seat_value.size() - 1), seat_value + "0",
          seat_value.substr(0, seat_value.size() - 1) + "g", "bob.seat.0x" + seat_digits.substr(2),
          "bob.seat. " + seat_digits, std::string{"Bob.Seat.1"}, seat_value + ", " + seat_value,
          seat_value + ", bob.seat." + std::string(32, '0'), "bob.seat.1, " + seat_value,
          seat_value + "\r\nSec-WebSocket-Protocol: " + seat_value})
        for (const std::string& offered : {"bob.room, " + bad, bad + ", bob.handshake"}) {
            const exchange x = ask(request_with(offered));
            EXPECT_EQ(x.accepted.error, errc::upgrade_refused) << offered;
            EXPECT_EQ(x.accepted.status, 400u) << offered;
            EXPECT_THAT(x.answer, ::testing::Not(::testing::HasSubstr("0011223344"))) << offered;
        }
    EXPECT_EQ(ask(request_with(seat_value)).accepted.status, 400u) << "a seat alone opens nothing";
}

TEST(accept_websocket_test, other_requests_go_to_their_function)
{
    websocket_accept_options options;
    options.on_request = [](const http_request& request) -> std::optional<http_answer> {
        if (request.target != "/healthz") return std::nullopt;
        http_answer answer;
        answer.body = "ok";
        return answer;
    };
    const exchange x = ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", options);
    EXPECT_EQ(x.accepted.status, 200u);
    EXPECT_THAT(x.answer, ::testing::EndsWith("\r\n\r\nok"));
    EXPECT_EQ(ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n", options).accepted.status, 426u);
}

// Answers every request with "kept" as long as it may.
websocket_accept_options keeping_open(std::size_t max_requests)
{
    websocket_accept_options options;
    options.max_requests = max_requests;
    options.on_request = [](const http_request&) {
        http_answer answer{200, "kept"};
        answer.headers.emplace_back("ETag", "\"1\"");
        answer.keep_open = true;
        return answer;
    };
    return options;
}

std::size_t times(std::string_view text, std::string_view part)
{
    std::size_t out = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++out;
    return out;
}

TEST(accept_websocket_test, a_connection_may_bring_several_requests)
{
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", head = "HEAD" + get.substr(3);
    const exchange three = ask(get + head + get + get, keeping_open(3));
    EXPECT_EQ(times(three.answer, "HTTP/1.1 200"), 3u) << "the fourth comes too late";
    EXPECT_EQ(times(three.answer, "Content-Length: 4\r\n"), 3u);
    EXPECT_EQ(times(three.answer, "ETag: \"1\"\r\n"), 3u);
    EXPECT_EQ(times(three.answer, "\r\n\r\nkept"), 2u) << "the answer to HEAD has no body";
    EXPECT_EQ(times(three.answer, "Connection: close\r\n"), 1u);
    EXPECT_EQ(three.accepted.error, errc::upgrade_refused);

    const exchange one = ask(get + get);
    EXPECT_EQ(one.accepted.status, 426u) << "without the option no connection is kept";
    EXPECT_EQ(times(one.answer, "HTTP/1.1"), 1u);

    const exchange ended = ask(get, keeping_open(3));
    EXPECT_EQ(ended.accepted.error, asio::error::eof);
    EXPECT_EQ(ended.accepted.status, 200u);

    const exchange upgraded = ask(get + request_with("bob.room, " + seat_value), keeping_open(3));
    EXPECT_FALSE(upgraded.accepted.error);
    EXPECT_EQ(upgraded.seat, seat_token::from_text(seat_digits));
    EXPECT_EQ(times(upgraded.answer, "HTTP/1.1 101"), 1u);
}

TEST(accept_websocket_test, nothing_follows_a_request_that_may_have_a_body)
{
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const char* first :
         {"POST / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nContent-Length: 28\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 00\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
          "GET / HTTP/1.1\r\nConnection: close\r\n",
          "GET / HTTP/1.1\r\nConnection: x\r\nConnection: y, Close\r\n"})
        EXPECT_EQ(times(ask(first + ("\r\n" + get), keeping_open(9)).answer, "HTTP/1.1"), 1u) << first;
    for (const char* first :
         {"GET / HTTP/1.1\r\nContent-Length: 0\r\n", "GET / HTTP/1.1\r\nConnection: keep-alive\r\n"})
        EXPECT_EQ(times(ask(first + ("\r\n" + get), keeping_open(9)).answer, "HTTP/1.1"), 2u) << first;
    const exchange bad = ask(get + "rubbish\r\n\r\n" + get, keeping_open(9));
    EXPECT_EQ(times(bad.answer, "HTTP/1.1 200"), 1u);
    EXPECT_EQ(times(bad.answer, "HTTP/1.1 400"), 1u);
    EXPECT_EQ(bad.accepted.status, 400u);
    EXPECT_TRUE(bad.accepted.request.method.empty());
}

TEST(accept_websocket_test, large_answers_go_in_parts)
{
    const std::string large(300'000, 'x');
    std::vector<std::size_t> parts;
    std::size_t whole = 0;
    websocket_accept_options options;
    options.on_request = [&](const http_request& request) {
        http_answer answer{request.method == "HEAD" ? 304u : 200u, {}};
        answer.shared_body = as_bytes(large);
        return answer;
    };
    options.on_progress = [&](std::size_t taken, std::size_t size) {
        parts.push_back(taken);
        whole = size;
    };
    const exchange x = ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n", options);
    EXPECT_THAT(x.answer, ::testing::EndsWith("\r\n\r\n" + large));
    EXPECT_EQ(x.answer.size(), whole);
    EXPECT_GE(parts.size(), 5u);
    EXPECT_EQ(parts.back(), whole);
    EXPECT_TRUE(std::is_sorted(parts.begin(), parts.end()));
    const exchange unchanged = ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", options);
    EXPECT_THAT(unchanged.answer, ::testing::StartsWith("HTTP/1.1 304 Not Modified\r\n"));
    EXPECT_EQ(times(unchanged.answer, "Content-"), 0u);
}

TEST(accept_websocket_test, a_room_may_have_a_window)
{
    for (const std::string& offered :
         {std::string{"bob.room.window"}, "bob.room, bob.room.window, " + seat_value,
          seat_value + "\r\nSec-WebSocket-Protocol: BOB.room.WINDOW"}) {
        const exchange x = ask(request_with(offered));
        EXPECT_EQ(x.accepted.status, 101u) << offered;
        EXPECT_THAT(x.answer, ::testing::HasSubstr("Sec-WebSocket-Protocol: bob.room.window\r\n\r\n"));
        EXPECT_EQ(x.seat.has_value(), offered.find("seat") != std::string::npos);
    }
    const exchange handshake = ask(request_with("bob.room.window, bob.handshake"));
    EXPECT_THAT(handshake.answer, ::testing::HasSubstr("Sec-WebSocket-Protocol: bob.handshake\r\n\r\n"));
    EXPECT_EQ(ask(request_with("bob.handshake.window")).accepted.status, 400u);
    EXPECT_EQ(ask(request_with("bob.room.windows")).accepted.status, 400u);
}

} // namespace
} // namespace parley::test
