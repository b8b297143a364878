#include "relay/rooms/room_workers.hpp"

#include "relay/rooms/room_pipe.hpp"
#include "support/websockets.hpp"

#include <parley/async/spawn.hpp>
#include <parley/testing/seeded_random.hpp>

#include <array>
#include <optional>
#include <set>

namespace parley::test {
namespace {

using detail::room_pipe;
using detail::room_pipe_report;
using detail::room_worker;
using detail::room_workers;

constexpr std::size_t buffer_bytes = 4096;

// What a room's stream may be.
enum class made_of { socket, socket_on_context, websocket, websocket_in_websocket };

class room_workers_test : public ::testing::TestWithParam<made_of> {
protected:
    // A peer's stream, and the relay's.
    awaitable<memory_stream_pair> connected()
    {
        const bool plain = GetParam() == made_of::socket_on_context;
        auto pair = make_pair_of(context, plain ? kind::tcp_on_context : kind::tcp);
        const int layers = GetParam() == made_of::websocket                ? 1
                           : GetParam() == made_of::websocket_in_websocket ? 2
                                                                           : 0;
        websocket_options options;
        options.ping_interval = std::chrono::hours{1}; // a stream that answers a ping just now stays at home
        for (int i = 0; i < layers; ++i)
            pair = co_await open_websocket_over(std::move(pair), stream_kind::room, options);
        co_return std::move(pair);
    }

    asio::io_context context;
};

std::string name_of(made_of what)
{
    constexpr std::array names{"socket", "socket_on_context", "websocket", "websocket_in_websocket"};
    return names[static_cast<std::size_t>(what)];
}

INSTANTIATE_TEST_SUITE_P(streams, room_workers_test,
                         ::testing::Values(made_of::socket, made_of::socket_on_context, made_of::websocket,
                                           made_of::websocket_in_websocket),
                         [](const auto& shown) { return name_of(shown.param); });

// What asks for a stream's readability, until it is told to let go.
awaitable<void> wait_and_let_go(any_stream& stream)
{
    asio::cancellation_signal cancel;
    bool told = false;
    stream.async_wait_readable(asio::bind_cancellation_slot(cancel.slot(), [&](error_code error) {
        EXPECT_EQ(error, asio::error::operation_aborted);
        told = true;
    }));
    co_await yield_once();
    cancel.emit(asio::cancellation_type::terminal);
    while (!told) co_await yield_once();
}

TEST_P(room_workers_test, carry_a_room_on_another_thread)
{
    room_workers loops{context.get_executor(), 2, buffer_bytes};
    ASSERT_EQ(loops.size(), 2u);
    byte_vector document(500'000);
    testing::seeded_random{3}.fill(document);
    const std::string there{as_text(document)};
    std::optional<room_pipe_report> report;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto first = co_await connected();
        auto second = co_await connected();
        any_stream &a = first.first, &relay_a = first.second;
        any_stream &b = second.first, &relay_b = second.second;
        // A wait of the layers' own may outlive the cancelled one, and must then find nobody.
        co_await wait_and_let_go(relay_a);
        co_await wait_and_let_go(relay_b);
        room_worker& loop = loops.enter(relay_a, relay_b);
        EXPECT_NE(loop.ex, executor{context.get_executor()});
        EXPECT_EQ(relay_a.get_executor(), loop.ex);
        EXPECT_EQ(relay_b.get_executor(), loop.ex);
        const auto pipe = room_pipe::start(std::move(relay_a), std::move(relay_b), {}, loop,
                                           [&, home = context.get_executor()](const room_pipe_report& r) {
                                               asio::post(home, [&, r] { report = r; });
                                           });
        spawn(
            context.get_executor(),
            [&]() -> awaitable<void> {
                auto failed = co_await write_all(a, there);
                EXPECT_FALSE(failed);
            },
            "writer");
        auto got = co_await read_up_to(b, there.size());
        EXPECT_TRUE(got.text == there);
        auto failed = co_await write_all(b, "and back");
        EXPECT_FALSE(failed);
        got = co_await read_up_to(a, 8);
        EXPECT_EQ(got.text, "and back");
        b.close();
        got = co_await read_to_end(a);
        EXPECT_EQ(got.error, asio::error::eof);
        a.close();
        while (!report) co_await yield_once();
        EXPECT_EQ(pipe->bytes(), there.size() + 8);
        loops.leave(loop);
    });
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->why);
    EXPECT_EQ(report->first_to_second_bytes, there.size());
}

TEST_P(room_workers_test, an_abort_from_outside_resets_both_sides)
{
    room_workers loops{context.get_executor(), 2, buffer_bytes};
    std::optional<room_pipe_report> report;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto first = co_await connected();
        auto second = co_await connected();
        any_stream &a = first.first, &relay_a = first.second;
        any_stream &b = second.first, &relay_b = second.second;
        room_worker& loop = loops.enter(relay_a, relay_b);
        const auto pipe = room_pipe::start(std::move(relay_a), std::move(relay_b), {}, loop,
                                           [&, home = context.get_executor()](const room_pipe_report& r) {
                                               asio::post(home, [&, r] { report = r; });
                                           });
        pipe->abort(make_error_code(errc::timed_out));
        auto got = co_await read_to_end(a);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        got = co_await read_to_end(b);
        EXPECT_EQ(got.error, asio::error::connection_reset);
        while (!report) co_await yield_once();
    });
    EXPECT_EQ(report->why, errc::timed_out);
}

TEST_P(room_workers_test, may_go_while_rooms_run)
{
    memory_stream_pair first, second;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        first = co_await connected();
        second = co_await connected();
    });
    {
        room_workers loops{context.get_executor(), 2, buffer_bytes};
        room_worker& loop = loops.enter(first.second, second.second);
        room_pipe::start(std::move(first.second), std::move(second.second), {}, loop,
                         [](const room_pipe_report&) { FAIL() << "nobody is left to be told"; });
    }
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto got = co_await read_to_end(first.first);
        EXPECT_EQ(got.error, asio::error::connection_reset);
    });
}

TEST(room_workers, take_turns_and_have_no_thread_for_what_cannot_move)
{
    asio::io_context context;
    room_workers loops{context.get_executor(), 3, buffer_bytes};
    std::vector<memory_stream_pair> streams;
    const auto enter = [&](kind what) -> room_worker& {
        for (int i = 0; i < 2; ++i) streams.push_back(make_pair_of(context, what));
        const auto last = streams.end();
        return loops.enter((last - 1)->first, (last - 2)->first);
    };
    const executor home = context.get_executor();
    std::set<const room_worker*> used;
    for (int i = 0; i < 3; ++i) used.insert(&enter(kind::tcp));
    EXPECT_EQ(used.size(), 3u) << "each has one";
    EXPECT_EQ(enter(kind::memory).ex, home);
    EXPECT_EQ(enter(kind::wrapped).ex, home);
    const room_worker& full = enter(kind::tcp);
    EXPECT_NE(full.ex, home) << "which has three";
    loops.leave(full);
    EXPECT_EQ(&enter(kind::tcp), &full) << "the one that somebody left";
}

TEST(room_workers, of_one_have_no_thread)
{
    asio::io_context context;
    room_workers loops{context.get_executor(), 1, buffer_bytes};
    auto a = make_pair_of(context, kind::tcp), b = make_pair_of(context, kind::tcp);
    EXPECT_EQ(loops.enter(a.first, b.first).ex, executor{context.get_executor()});
    EXPECT_EQ(a.first.get_executor(), executor{context.get_executor()});
}

TEST(room_workers, find_a_stream_that_is_closed_at_home)
{
    asio::io_context context;
    room_workers loops{context.get_executor(), 2, buffer_bytes};
    auto a = make_pair_of(context, kind::tcp), b = make_pair_of(context, kind::tcp);
    b.first.close();
    EXPECT_EQ(loops.enter(a.first, b.first).ex, executor{context.get_executor()});
}

} // namespace
} // namespace parley::test
