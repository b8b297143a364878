// The stream of a session of version 2 (SESSION2.md sections 3 to 5), over memory and over sockets.
#include "support/streams.hpp"
#include "unit/transport/stream_laws.hpp"

#include <parley/testing/fault_stream.hpp>
#include <parley/testing/secure_pair.hpp>
#include <parley/testing/virtual_clock.hpp>

#include <boost/asio/read_until.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using testing::make_secure_pair;
using testing::secure_pair;
using testing::secure_pair_options;

// Runs what is ready.
void settle_all(asio::io_context& context)
{
    context.restart();
    context.poll();
}

secure_pair open_pair(asio::io_context& context, secure_pair_options options = {})
{
    secure_pair out = make_secure_pair(context.get_executor(), std::move(options));
    int opened = 0;
    for (secure_stream* each : {&out.server, &out.client})
        each->async_wait_open([&](error_code error) {
            EXPECT_FALSE(error) << error.message();
            ++opened;
        });
    settle_all(context);
    EXPECT_EQ(opened, 2);
    return out;
}

// The result of one operation.
struct outcome {
    bool done = false;
    error_code error;
    std::size_t size = 0;
    auto handler()
    {
        return [this](error_code why, std::size_t n = 0) {
            done = true;
            error = why;
            size = n;
        };
    }
};

TEST(secure_stream, says_hello_and_each_side_ends_by_itself)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    EXPECT_EQ(pair.server.peer_hello(), (session2_hello{"test", "testing"}));
    EXPECT_EQ(pair.client.transport_name(), "parley-2");
    expect_each_side_ends_by_itself(context, pair.client, pair.server);
    EXPECT_FALSE(pair.client.failure());
    EXPECT_FALSE(pair.server.failure());
}

TEST(secure_stream, passes_over_sockets_that_split_everything)
{
    asio::io_context context;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        tcp_pair sockets = make_tcp_pair(context);
        testing::fault_options splits;
        splits.seed = seed;
        splits.max_read_bytes = splits.max_write_bytes = 3000;
        secure_pair_options options;
        options.with = seed % 2 == 0 ? cipher::aes_256_gcm : cipher::chacha20_poly1305;
        options.server_below = testing::make_fault_stream(make_tcp_stream(std::move(sockets.first)), splits);
        options.client_below = testing::make_fault_stream(make_tcp_stream(std::move(sockets.second)), splits);
        secure_pair pair = make_secure_pair(context.get_executor(), std::move(options));
        expect_each_side_ends_by_itself(context, pair.client, pair.server);
    }
}

TEST(secure_stream, both_sides_learn_of_another_protocol)
{
    asio::io_context context;
    secure_pair_options options;
    options.client_protocol = "chat";
    secure_pair pair = make_secure_pair(context.get_executor(), std::move(options));
    outcome server, client;
    pair.server.async_wait_open(server.handler());
    pair.client.async_wait_open(client.handler());
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(server.error, errc::protocol_mismatch);
    EXPECT_EQ(client.error, errc::protocol_mismatch);
    EXPECT_EQ(pair.server.problem(), "the protocol is 'chat' there, 'test' here");
}

TEST(secure_stream, an_end_below_is_no_end_of_the_stream)
{
    asio::io_context context;
    for (const kind below : {kind::memory, kind::tcp}) {
        for (const bool resets : {false, true}) {
            memory_stream_pair ends = make_pair_of(context, below);
            secure_pair_options options;
            options.server_below = std::move(ends.first);
            options.client_below = std::move(ends.second);
            secure_pair pair = make_secure_pair(context.get_executor(), std::move(options));
            testing::run_until_done(context, [&]() -> awaitable<void> {
                auto failed = co_await write_all(pair.server, "last words");
                EXPECT_FALSE(failed);
                auto got = co_await read_up_to(pair.client, 10);
                EXPECT_EQ(got.text, "last words");
                pair.server.reset_on_close(resets);
                static_cast<any_stream&>(pair.server) = any_stream{}; // without close()
                got = co_await read_to_end(pair.client);
                EXPECT_EQ(got.text, "");
                EXPECT_EQ(got.error, condition::transport) << got.error.message();
            });
            EXPECT_TRUE(testing::drain(context));
        }
    }
}

TEST(secure_stream, an_abort_arrives_behind_the_bytes_before_it)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    outcome wrote, reads;
    asio::async_write(pair.server, asio::buffer("abc", 3), wrote.handler());
    std::array<char, 8> own{};
    pair.server.async_read_some(asio::buffer(own), reads.handler());
    settle_all(context);
    pair.server.abort(session_reason::no_space, "3 GiB needed", errc::no_room);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(pair.client);
        EXPECT_EQ(got.text, "abc");
        EXPECT_EQ(got.error, errc::aborted_by_peer);
    });
    EXPECT_EQ(pair.client.peer_abort(), (session2_abort{session_reason::no_space, "3 GiB needed"}));
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(reads.error, errc::no_room);
    EXPECT_EQ(pair.server.failure(), errc::no_room);
}

TEST(secure_stream, close_without_an_end_aborts)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    outcome reads, later;
    std::array<char, 8> own{}, others{};
    pair.server.async_read_some(asio::buffer(own), reads.handler());
    pair.client.async_read_some(asio::buffer(others), later.handler());
    settle_all(context);
    pair.server.close();
    EXPECT_FALSE(pair.server.is_open());
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(reads.error, asio::error::operation_aborted);
    EXPECT_EQ(later.error, errc::aborted_by_peer);
    EXPECT_EQ(pair.client.peer_abort(), (session2_abort{session_reason::cancelled, ""}));
}

TEST(secure_stream, what_was_written_arrives_when_the_stream_ends_at_once)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    const std::string text(300'000, 'x');
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto failed = co_await write_all(pair.server, text);
                EXPECT_FALSE(failed);
                pair.server.end_and_discard(errc::cancelled);
                auto over = co_await pair.server.async_wait_finished(use_tuple);
                EXPECT_EQ(std::get<0>(over), errc::cancelled);
            },
            "writer");
        auto got = co_await read_to_end(pair.client);
        EXPECT_EQ(got.text, text);
        EXPECT_EQ(got.error, asio::error::eof);
        pair.client.close();
    });
    EXPECT_TRUE(testing::drain(context));
}

// Every operation that waits is cancelled, and the stream goes on.
TEST(secure_stream, a_cancelled_operation_has_no_effect)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    std::array<char, 8> bytes{};
    const auto cancelled = [&](auto start) {
        asio::cancellation_signal cancel;
        outcome out;
        start(asio::bind_cancellation_slot(cancel.slot(), out.handler()));
        settle_all(context);
        EXPECT_FALSE(out.done);
        cancel.emit(asio::cancellation_type::partial);
        settle_all(context);
        EXPECT_TRUE(out.done);
        EXPECT_EQ(out.error, asio::error::operation_aborted);
        EXPECT_EQ(out.size, 0u);
    };
    cancelled([&](auto handler) { pair.client.async_read_some(asio::buffer(bytes), std::move(handler)); });
    cancelled([&](auto handler) { pair.client.async_wait_readable(std::move(handler)); });
    cancelled([&](auto handler) { pair.client.async_wait_finished(std::move(handler)); });

    // Fill everything: the client does not read.
    const std::string much(64 * 1024, 'x');
    std::size_t sealed = 0;
    for (;;) {
        error_code error;
        sealed += pair.server.try_write_some(gather_buffers::from(asio::buffer(much)), error);
        settle_all(context);
        if (error) break;
    }
    cancelled([&](auto handler) { pair.server.async_write_some(asio::buffer(much), std::move(handler)); });
    cancelled([&](auto handler) { pair.server.async_wait_writable(std::move(handler)); });
    cancelled([&](auto handler) { pair.server.async_shutdown_send(std::move(handler)); });

    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(pair.client);
        EXPECT_EQ(got.text.size(), sealed);
        EXPECT_EQ(got.error, asio::error::eof); // a shutdown that was begun goes on
    });
    pair.client.close();
    EXPECT_TRUE(testing::drain(context));
}

TEST(secure_stream, a_hello_that_does_not_come_ends_the_wait)
{
    asio::io_context context;
    testing::virtual_clock time;
    auto below = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    secure_pair_options options;
    options.time = &time;
    options.server_below = std::move(below.first);
    auto other = make_memory_stream_pair(context.get_executor(), 64 * 1024);
    options.client_below = std::move(other.first);
    secure_pair pair = make_secure_pair(context.get_executor(), std::move(options));
    outcome opened, cancelled;
    asio::cancellation_signal cancel;
    pair.client.async_wait_open(asio::bind_cancellation_slot(cancel.slot(), cancelled.handler()));
    pair.server.async_wait_open(opened.handler());
    settle_all(context);
    cancel.emit(asio::cancellation_type::terminal);
    time.advance(30s);
    settle_all(context);
    EXPECT_EQ(cancelled.error, asio::error::operation_aborted);
    EXPECT_EQ(opened.error, errc::hello_missing);
}

TEST(secure_stream, pings_keep_it_open_and_silence_ends_it)
{
    asio::io_context context;
    testing::virtual_clock time;
    secure_pair_options options;
    options.time = &time;
    secure_pair pair = open_pair(context, std::move(options));
    std::array<char, 8> bytes{};
    outcome reads, others;
    pair.server.async_read_some(asio::buffer(bytes), reads.handler());
    pair.client.async_read_some(asio::buffer(bytes), others.handler());
    for (int i = 0; i < 60; ++i) {
        time.advance(10s);
        settle_all(context);
    }
    EXPECT_FALSE(reads.done);
    EXPECT_FALSE(others.done);
    // Time leaps for one side, and the other one is suspended meanwhile.
    time.advance(61s);
    settle_all(context);
    EXPECT_EQ(reads.error, errc::peer_silent);
}

// Whatever fails below, both sides come to an end, and no end is read that was not written.
TEST(secure_stream, every_operation_below_fails_once)
{
    asio::io_context context;
    std::size_t operations = 100;
    for (std::size_t failing = 0; failing <= operations; ++failing) {
        SCOPED_TRACE(failing);
        auto below = make_memory_stream_pair(context.get_executor(), 16 * 1024);
        testing::fault_options faults;
        faults.failing_operation = failing;
        secure_pair_options options;
        std::size_t count = 0;
        options.server_below = testing::make_fault_stream(std::move(below.first), faults, &count);
        options.client_below = std::move(below.second);
        secure_pair pair = make_secure_pair(context.get_executor(), std::move(options));
        const std::string text(100'000, 'x');
        error_code written, read;
        std::string got;
        testing::run_until_done(context, [&]() -> awaitable<void> {
            spawn(
                context.get_executor(),
                [&]() -> awaitable<void> {
                    written = co_await write_all(pair.server, text);
                    auto shut = co_await pair.server.async_shutdown_send(use_tuple);
                    if (!written) written = std::get<0>(shut);
                    auto end = co_await read_to_end(pair.server);
                    if (!written && end.error != asio::error::eof) written = end.error;
                    pair.server.close();
                },
                "writer");
            auto end = co_await read_to_end(pair.client);
            got = end.text;
            read = end.error;
            pair.client.close();
        });
        EXPECT_TRUE(testing::drain(context));
        EXPECT_EQ(got, text.substr(0, got.size()));
        if (read == asio::error::eof)
            EXPECT_EQ(got.size(), text.size());
        else
            EXPECT_EQ(read, condition::transport) << read.message();
        operations = count;
    }
    EXPECT_GT(operations, 5u);
}

TEST(secure_stream, is_destroyed_with_its_context)
{
    std::optional<secure_pair> pair;
    {
        asio::io_context context;
        pair.emplace(open_pair(context));
        const auto owner = std::make_shared<secure_stream>(std::move(pair->client));
        std::array<char, 8> bytes{};
        owner->async_read_some(asio::buffer(bytes), [owner](error_code, std::size_t) {});
        settle_all(context);
        pair->server = {};
    }
}

TEST(secure_stream, a_chat_of_lines)
{
    asio::io_context context;
    secure_pair pair = open_pair(context);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                std::string buffer;
                for (int i = 0; i < 3; ++i) {
                    auto read = co_await asio::async_read_until(pair.server, asio::dynamic_buffer(buffer),
                                                                '\n', use_tuple);
                    const std::string answer = "> " + buffer.substr(0, std::get<1>(read));
                    buffer.erase(0, std::get<1>(read));
                    auto failed = co_await write_all(pair.server, answer);
                    EXPECT_FALSE(failed);
                }
                auto shut = co_await pair.server.async_shutdown_send(use_tuple);
                EXPECT_FALSE(std::get<0>(shut));
            },
            "answers");
        auto failed = co_await write_all(pair.client, "one\ntwo\nthree\n");
        EXPECT_FALSE(failed);
        auto got = co_await read_to_end(pair.client);
        EXPECT_EQ(got.text, "> one\n> two\n> three\n");
        EXPECT_EQ(got.error, asio::error::eof);
    });
}

} // namespace
} // namespace parley::test
