#include <parley/stream/beast_websocket.hpp>

#include "unit/stream/beast_pairs.hpp"

#include <parley/async/spawn.hpp>
#include <parley/testing/seeded_random.hpp>

#include <boost/beast/websocket/stream.hpp>

namespace parley::test {
namespace {

namespace websocket = boost::beast::websocket;

std::string bytes_of(std::string_view hex)
{
    const byte_vector bytes = from_hex(hex).bytes;
    return std::string{as_text(bytes)};
}

std::string frame(std::string_view first, std::string_view payload, role_type from)
{
    std::string out = bytes_of(first);
    const bool masked = from == role_type::client;
    if (payload.size() < 126) {
        out += static_cast<char>(payload.size() | (masked ? 0x80u : 0u));
    } else {
        out += static_cast<char>(126u | (masked ? 0x80u : 0u));
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xff);
    }
    if (masked) out += std::string(4, '\0'); // so that the payload can be read here
    out += payload;
    return out;
}

role_type other_than(role_type role)
{
    return role == role_type::client ? role_type::server : role_type::client;
}

// The close frame that the adapter in `role` has sent, whose mask is random: its code.
unsigned close_code_in(std::string_view bytes, role_type role)
{
    const std::size_t head = role == role_type::client ? 6 : 2;
    if (bytes.size() != head + 2 || bytes.substr(0, 1) != "\x88") return 0;
    const auto at = [&](std::size_t i) {
        const unsigned mask = role == role_type::client ? static_cast<byte>(bytes[2 + i]) : 0u;
        return static_cast<byte>(bytes[head + i]) ^ mask;
    };
    return at(0) << 8 | at(1);
}

// A wait may complete for nothing until a read has found nothing.
bool finds_nothing(any_stream& stream)
{
    std::array<byte, 4> buffer{};
    error_code error;
    return stream.try_read_some(buffer, error) == 0 && error == asio::error::would_block;
}

class beast_websocket_test : public ::testing::TestWithParam<role_type> {
protected:
    std::string sent(std::string_view first, std::string_view payload) const
    {
        return frame(first, payload, other_than(GetParam()));
    }

    asio::io_context context;
};
INSTANTIATE_TEST_SUITE_P(roles, beast_websocket_test, ::testing::Values(role_type::client, role_type::server),
                         [](const auto& at) { return at.param == role_type::client ? "client" : "server"; });

class beast_websocket_pair_test : public ::testing::TestWithParam<kind> {};
INSTANTIATE_TEST_SUITE_P(below, beast_websocket_pair_test,
                         ::testing::Values(kind::memory, kind::tcp, kind::wrapped),
                         [](const auto& at) { return name_of(at.param); });

TEST_P(beast_websocket_pair_test, carries_much_both_ways_and_ends_in_order)
{
    asio::io_context context;
    ends e = make_ends(context, GetParam());
    std::string there(3'000'000, '\0'), back(2'000'000, '\0');
    testing::seeded_random random{1};
    random.fill({reinterpret_cast<byte*>(there.data()), there.size()});
    random.fill({reinterpret_cast<byte*>(back.data()), back.size()});
    int done = 0;
    const auto write = [&](any_stream& to, const std::string& text) {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto failed = co_await write_all(to, text);
                EXPECT_FALSE(failed);
                ++done;
            },
            "writes");
    };
    testing::run_until_done(context, [&]() -> awaitable<void> {
        write(e.client, there);
        write(e.server, back);
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto got = co_await read_up_to(e.client, back.size());
                EXPECT_TRUE(got.text == back);
                ++done;
            },
            "reads");
        auto got = co_await read_up_to(e.server, there.size());
        EXPECT_TRUE(got.text == there);
        while (done < 3) co_await yield_once();
        auto shut = co_await e.client.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(shut));
        got = co_await read_to_end(e.server);
        EXPECT_EQ(got.text, "");
        EXPECT_EQ(got.error, asio::error::eof);
        got = co_await read_to_end(e.client);
        EXPECT_EQ(got.error, asio::error::eof) << "Beast has answered the close frame";
        e.server.close();
        e.client.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_pair_test, close_delivers_what_was_written)
{
    asio::io_context context;
    ends e = make_ends(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(e.client, std::string(60'000, 'x'));
        EXPECT_FALSE(failed);
        e.client.close();
        auto got = co_await read_to_end(e.server);
        EXPECT_EQ(got.text.size(), 60'000u);
        EXPECT_EQ(got.error, asio::error::eof);
        failed = co_await write_all(e.server, "late");
        EXPECT_EQ(failed, asio::error::broken_pipe);
        e.server.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_pair_test, an_abort_and_a_destruction_are_no_end)
{
    for (const bool destroyed : {false, true}) {
        asio::io_context context;
        ends e = make_ends(context, GetParam());
        testing::run_until_done(context, [&]() -> awaitable<void> {
            e.client.reset_on_close(!destroyed);
            if (destroyed)
                e.client = {};
            else
                e.client.close();
            auto got = co_await read_to_end(e.server);
            EXPECT_EQ(got.error, asio::error::connection_reset);
            e.server.close();
        });
        EXPECT_TRUE(testing::drain(context));
    }
}

TEST_P(beast_websocket_pair_test, a_cancelled_read_or_wait_loses_nothing)
{
    asio::io_context context;
    ends e = make_ends(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        std::array<char, 16> buffer{};
        for (int i = 0; i < 6; ++i) {
            asio::cancellation_signal cancel;
            error_code cancelled;
            EXPECT_TRUE(finds_nothing(e.server));
            if (i % 2 == 0)
                e.server.async_read_some(
                    asio::buffer(buffer),
                    asio::bind_cancellation_slot(cancel.slot(), [&](error_code error, std::size_t size) {
                        cancelled = error;
                        EXPECT_EQ(size, 0u);
                    }));
            else
                e.server.async_wait_readable(asio::bind_cancellation_slot(
                    cancel.slot(), [&](error_code error) { cancelled = error; }));
            co_await yield_once();
            cancel.emit(asio::cancellation_type::terminal);
            while (!cancelled) co_await yield_once();
            EXPECT_EQ(cancelled, asio::error::operation_aborted);
            auto failed = co_await write_all(e.client, "abc");
            EXPECT_FALSE(failed);
            auto got = co_await read_up_to(e.server, 3);
            EXPECT_EQ(got.text, "abc");
        }
        e.client.close();
        e.server.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST(beast_websocket, a_cancelled_write_still_goes)
{
    asio::io_context context;
    ends e = make_ends(context);
    const std::string large(60'000, 'x');
    testing::run_until_done(context, [&]() -> awaitable<void> {
        std::size_t taken = 0;
        int cancelled = 0;
        for (int i = 0; i < 3; ++i) { // the pipe below takes one
            asio::cancellation_signal cancel;
            error_code result;
            bool done = false;
            e.client.async_write_some(
                asio::buffer(large),
                asio::bind_cancellation_slot(cancel.slot(), [&](error_code error, std::size_t size) {
                    result = error;
                    taken += size;
                    done = true;
                }));
            for (int turn = 0; turn < 20 && !done; ++turn) co_await yield_once();
            cancel.emit(asio::cancellation_type::total);
            while (!done) co_await yield_once();
            if (result == asio::error::operation_aborted) ++cancelled;
        }
        EXPECT_EQ(cancelled, 2);
        e.client.close();
        auto got = co_await read_to_end(e.server);
        EXPECT_EQ(got.text.size(), taken);
        EXPECT_EQ(got.error, asio::error::eof);
        e.server.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, reads_on_after_its_own_end)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto shut = co_await b.stream.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(shut));
        auto failed = co_await write_all(b.stream, "more");
        EXPECT_EQ(failed, asio::error::broken_pipe);
        const std::string after = sent("82", "late") + sent("89", "") + sent("88", "\x03\xe8");
        failed = co_await write_all(b.raw, after);
        EXPECT_FALSE(failed);
        auto got = co_await read_to_end(b.stream);
        EXPECT_EQ(got.text, "late");
        EXPECT_EQ(got.error, asio::error::eof);
        b.stream.close();
        auto seen = co_await read_to_end(b.raw);
        EXPECT_EQ(close_code_in(seen.text, GetParam()), 1000u) << "one close frame, and nothing after it";
        EXPECT_EQ(seen.error, asio::error::eof);
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, only_1000_is_an_end)
{
    struct ending {
        std::string payload;
        bool in_order;
        unsigned answer;
    };
    for (const ending& e : {ending{"\x03\xe8", true, 1000}, ending{"\x03\xe9", false, 1001},
                            ending{"\x0f\xa0", false, 4000}, ending{"", false, 1000}}) {
        bare b = make_bare(context, GetParam());
        testing::run_until_done(context, [&]() -> awaitable<void> {
            const std::string bytes = sent("82", "abc") + sent("88", e.payload);
            auto failed = co_await write_all(b.raw, bytes);
            EXPECT_FALSE(failed);
            auto got = co_await read_to_end(b.stream);
            EXPECT_EQ(got.text, "abc");
            EXPECT_EQ(got.error == asio::error::eof, e.in_order);
            EXPECT_EQ(got.error == asio::error::connection_reset, !e.in_order);
            b.stream.close();
            auto seen = co_await read_to_end(b.raw);
            EXPECT_EQ(close_code_in(seen.text, GetParam()), e.answer);
            b.raw.close();
        });
        EXPECT_TRUE(testing::drain(context));
        context.restart();
    }
}

TEST_P(beast_websocket_test, a_connection_that_just_ends_is_a_reset)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        b.raw.close();
        auto got = co_await read_to_end(b.stream);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        b.stream.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, broken_rules_are_answered_with_their_codes)
{
    const role_type peer = other_than(GetParam());
    struct rule {
        std::string bytes;
        unsigned code;
    };
    for (const rule& r :
         {rule{frame("81", "a", peer), 1003}, rule{frame("81", "", peer), 1003},
          rule{frame("82", "a", GetParam()), 1002}, rule{frame("83", "a", peer), 1002},
          rule{frame("80", "a", peer), 1002}, rule{frame("c2", "a", peer), 1002},
          rule{frame("89", std::string(126, 'a'), peer), 1002}, rule{frame("09", "a", peer), 1002},
          rule{frame("88", "\x03", peer), 1002}, rule{frame("88", "\x03\xe8\xff", peer), 1002}}) {
        bare b = make_bare(context, GetParam());
        testing::run_until_done(context, [&]() -> awaitable<void> {
            auto failed = co_await write_all(b.raw, r.bytes);
            EXPECT_FALSE(failed);
            auto got = co_await read_to_end(b.stream);
            EXPECT_EQ(got.error, errc::bad_framing) << r.code;
            b.stream.close();
            auto seen = co_await read_to_end(b.raw);
            EXPECT_EQ(close_code_in(seen.text, GetParam()), r.code);
            EXPECT_EQ(seen.error, asio::error::eof);
            b.raw.close();
        });
        EXPECT_TRUE(testing::drain(context));
        context.restart();
    }
}

TEST_P(beast_websocket_test, message_boundaries_mean_nothing)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        const std::string bytes = sent("02", "aa") + sent("00", "") + sent("89", "") + sent("80", "b") +
                                  sent("82", "") + sent("82", "cde");
        for (const char each : bytes) {
            auto failed = co_await write_all(b.raw, std::string(1, each));
            EXPECT_FALSE(failed);
        }
        auto got = co_await read_up_to(b.stream, 6);
        EXPECT_EQ(got.text, "aabcde");
        const std::size_t pong_bytes = GetParam() == role_type::client ? 6 : 2;
        auto pong = co_await read_up_to(b.raw, pong_bytes);
        EXPECT_EQ(pong.text.substr(0, 1), "\x8a");
        b.stream.close();
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

// More than fits the buffers, in one message of several fragments.
TEST_P(beast_websocket_test, a_message_may_be_of_any_size)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        const std::string large(60'000, 'x');
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                const std::string message = sent("02", large) + sent("00", large) + sent("80", "y");
                auto failed = co_await write_all(b.raw, message);
                EXPECT_FALSE(failed);
            },
            "writes");
        auto got = co_await read_up_to(b.stream, 120'001);
        EXPECT_TRUE(got.text == large + large + "y");
        b.stream.close();
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

std::string repeated(std::string_view text, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

TEST_P(beast_websocket_test, too_much_without_data_ends_the_connection)
{
    const std::string ping = sent("89", ""), pong = sent("8a", "abcd"), empty = sent("82", "");
    const std::string fragment = sent("00", "");
    const std::array floods{repeated(ping, 100), repeated(pong, 100), repeated(empty, 100),
                            sent("02", "") + repeated(fragment, 100'000)};
    for (const std::string& flood : floods) {
        bare b = make_bare(context, GetParam());
        testing::run_until_done(context, [&]() -> awaitable<void> {
            spawn(
                context.get_executor(),
                [&]() -> awaitable<void> {
                    const std::string bytes = flood + sent(flood.size() > 10'000 ? "80" : "82", "a");
                    co_await write_all(b.raw, bytes);
                },
                "writes");
            auto got = co_await read_to_end(b.stream);
            EXPECT_EQ(got.text, "");
            EXPECT_EQ(got.error, errc::bad_framing);
            b.stream.close();
            auto seen = co_await read_to_end(b.raw);
            const std::size_t close_bytes = GetParam() == role_type::client ? 8 : 4;
            EXPECT_LT(seen.text.size(), 700u) << "the pongs that may wait";
            const std::string last =
                seen.text.substr(seen.text.size() - std::min(seen.text.size(), close_bytes));
            EXPECT_EQ(close_code_in(last, GetParam()), 1008u);
            b.raw.close();
        });
        EXPECT_TRUE(testing::drain(context));
        context.restart();
    }
}

TEST_P(beast_websocket_test, messages_that_end_in_an_empty_fragment_pass)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                const std::string bytes = repeated(sent("02", "a") + sent("80", ""), 2000);
                auto failed = co_await write_all(b.raw, bytes);
                EXPECT_FALSE(failed);
            },
            "writes");
        auto got = co_await read_up_to(b.stream, 2000);
        EXPECT_EQ(got.text.size(), 2000u);
        b.stream.close();
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

// One pong is owed at most, however many pings come while nobody reads the pongs.
TEST_P(beast_websocket_test, pongs_do_not_pile_up)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(b.stream, std::string(64'000, 'x'));
        EXPECT_FALSE(failed);
        std::array<char, 4> buffer{};
        b.stream.async_read_some(asio::buffer(buffer), [](error_code, std::size_t) {});
        const std::string pings = repeated(sent("89", std::string(125, 'a')), 60);
        failed = co_await write_all(b.raw, pings);
        EXPECT_FALSE(failed);
        for (int i = 0; i < 100; ++i) co_await yield_once();
        b.stream.close();
        auto seen = co_await read_to_end(b.raw);
        EXPECT_GT(seen.text.size(), 64'000u);
        EXPECT_LT(seen.text.size(), 64'000u + 30 * 131 + 200) << "what the pipe holds, and one";
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, sends_no_message_above_the_bound)
{
    bare b = make_bare(context, GetParam());
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(b.stream, std::string(2500, 'x'));
        EXPECT_FALSE(failed);
        b.stream.close();
        auto seen = co_await read_to_end(b.raw);
        const std::size_t mask = GetParam() == role_type::client ? 4 : 0;
        EXPECT_EQ(seen.text.size(), 2500 + 3 * (4 + mask) + (2 + mask + 2))
            << "three messages, one close frame";
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, a_silent_peer_is_pinged_and_dropped)
{
    websocket_options options;
    options.ping_interval = std::chrono::milliseconds{20};
    options.pong_timeout = std::chrono::milliseconds{40};
    bare b = make_bare(context, GetParam(), options);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(b.stream);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        auto seen = co_await read_to_end(b.raw);
        EXPECT_EQ(seen.error, asio::error::connection_reset);
        b.raw.close();
        b.stream.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST_P(beast_websocket_test, a_peer_that_answers_stays)
{
    websocket_options options;
    options.ping_interval = std::chrono::milliseconds{5};
    options.pong_timeout = std::chrono::milliseconds{500};
    bare b = make_bare(context, GetParam(), options);
    error_code ended; // both outlive the read
    std::array<char, 4> buffer{};
    testing::run_until_done(context, [&]() -> awaitable<void> {
        b.stream.async_read_some(asio::buffer(buffer), [&](error_code error, std::size_t) { ended = error; });
        for (int i = 0; i < 20; ++i) {
            auto ping = co_await read_up_to(b.raw, GetParam() == role_type::client ? 6 : 2);
            EXPECT_EQ(ping.text.substr(0, 1), "\x89");
            auto failed = co_await write_all(b.raw, sent("8a", ""));
            EXPECT_FALSE(failed);
        }
        EXPECT_FALSE(ended);
        b.stream.close();
        b.raw.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

TEST(beast_websocket, close_ends_what_is_under_way)
{
    asio::io_context context;
    ends e = make_ends(context);
    error_code waited;
    EXPECT_TRUE(finds_nothing(e.server));
    e.server.async_wait_readable([&](error_code error) { waited = error; });
    e.server.close();
    e.client.close();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(waited, asio::error::operation_aborted);
}

TEST(beast_websocket, may_be_destroyed_while_everything_is_under_way)
{
    asio::io_context context;
    ends e = make_ends(context);
    const std::string large(200'000, 'x');
    error_code read, written;
    std::array<char, 4> buffer{};
    e.client.async_read_some(asio::buffer(buffer), [&](error_code error, std::size_t) { read = error; });
    asio::async_write(e.client, asio::buffer(large), [&](error_code error, std::size_t) { written = error; });
    context.poll();
    e.client = {};
    e.server.close();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(read, asio::error::operation_aborted);
    EXPECT_EQ(written, asio::error::operation_aborted);
}

// Beast runs in a loop of the adapter's own, so the connection below may change its own.
TEST(beast_websocket, moves_to_another_context)
{
    asio::io_context context, other;
    ends e = make_ends(context, kind::tcp);
    ASSERT_TRUE(e.server.can_move());
    EXPECT_FALSE(e.server.move_to(other.get_executor()));
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto failed = co_await write_all(e.client, "abc");
        EXPECT_FALSE(failed);
    });
    testing::run_until_done(other, [&]() -> awaitable<void> {
        auto got = co_await read_up_to(e.server, 3);
        EXPECT_EQ(got.text, "abc");
        e.client = {};
        got = co_await read_to_end(e.server);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        e.server.close();
    });
    EXPECT_TRUE(testing::drain(other));
}

// A coroutine that owns the stream it waits for.
TEST_P(beast_websocket_pair_test, a_context_may_go_while_somebody_waits)
{
    asio::io_context context;
    auto e = std::make_shared<ends>(make_ends(context, GetParam()));
    const std::weak_ptr<ends> weak = e;
    spawn(
        context.get_executor(),
        [e]() -> awaitable<void> {
            auto got = co_await read_to_end(e->client);
            ADD_FAILURE() << got.error;
        },
        "waits");
    e.reset();
    context.poll();
    EXPECT_FALSE(weak.expired());
}

} // namespace
} // namespace parley::test
