#include "relay/rooms/room_pipe.hpp"

#include "support/actors_world.hpp"

#include <parley/transport/unix.hpp>

namespace parley::test {
namespace {

using detail::buffer_pool;
using detail::room_pipe;
using detail::room_pipe_options;
using detail::room_pipe_report;
using detail::room_worker;

// What the two streams are, and whether their bytes may stay in the kernel.
enum class way { memory, tcp_buffers, tcp_spliced, unix_spliced };

// Two peers with a pipe between them.
class room_pipe_test : public ::testing::TestWithParam<way> {
protected:
    // `early`: what the relay had read from the first one before.
    void open(std::string_view early = {})
    {
        auto [a, pipe_a] = connected();
        auto [b, pipe_b] = connected();
        first.emplace(std::move(a));
        second.emplace(std::move(b));
        first->start_reading();
        if (second_reads) second->start_reading();
        pipe_a.put_back(as_bytes(early));
        pipe = room_pipe::start(std::move(pipe_a), std::move(pipe_b), options, loop,
                                [this](const room_pipe_report& r) { report = r; });
    }
    bool run_until(const std::function<bool()>& condition)
    {
        context.restart();
        const time_point end = clock::now() + testing::test_patience;
        while (!condition()) {
            const time_point now = clock::now();
            if (now >= end || (context.run_one_for(end - now) == 0 && context.stopped())) return condition();
        }
        return true;
    }
    std::pair<any_stream, any_stream> connected()
    {
        if (GetParam() == way::memory) {
            auto pair = make_memory_stream_pair(context.get_executor(), 1000);
            return {std::move(pair.first), std::move(pair.second)};
        }
        if (GetParam() == way::unix_spliced) {
            asio::local::stream_protocol::socket a{context}, b{context};
            asio::local::connect_pair(a, b);
            return {make_unix_stream(std::move(a)), make_unix_stream(std::move(b))};
        }
        asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
        asio::ip::tcp::socket a{context}, b{context};
        a.connect(acceptor.local_endpoint());
        acceptor.accept(b);
        return {make_tcp_stream(std::move(a)), make_tcp_stream(std::move(b))};
    }

    // What it was told is a reset; a Unix socket says so in its own way, see unix.hpp.
    static bool cut_off(const raw_peer& peer)
    {
        return peer.ended == asio::error::connection_reset ||
               (GetParam() == way::unix_spliced && peer.ended && peer.stream.was_reset());
    }

    asio::io_context context{1};
    testing::virtual_clock time;
    room_worker loop{context.get_executor(), 4096, GetParam() == way::tcp_buffers ? 0u : 64u, time};
    room_pipe_options options;
    bool second_reads = true;
    std::optional<raw_peer> first, second;
    std::optional<room_pipe_report> report;
    std::shared_ptr<room_pipe> pipe;
};

constexpr std::array way_names{"memory", "tcp_buffers", "tcp_spliced", "unix_spliced"};

INSTANTIATE_TEST_SUITE_P(transports, room_pipe_test,
                         ::testing::Values(way::memory, way::tcp_buffers, way::tcp_spliced,
                                           way::unix_spliced),
                         [](const auto& shown) { return way_names[static_cast<std::size_t>(shown.param)]; });

std::string text_of(const byte_vector& bytes)
{
    return std::string{as_text(bytes)};
}

TEST_P(room_pipe_test, copies_both_ways_and_passes_ends_on_one_by_one)
{
    open();
    const std::string there = text_of(random_bytes(100'000, 1)), back = text_of(random_bytes(30'000, 2));
    first->write(there);
    first->shutdown_send_after_writes();
    ASSERT_TRUE(run_until([&] { return second->ended.has_value(); }));
    EXPECT_EQ(*second->ended, asio::error::eof);
    EXPECT_EQ(second->got, there);
    EXPECT_FALSE(first->ended) << "only one direction has ended";
    EXPECT_FALSE(report);
    second->write(back);
    second->shutdown_send_after_writes();
    ASSERT_TRUE(run_until([&] { return first->ended && report; }));
    EXPECT_EQ(*first->ended, asio::error::eof);
    EXPECT_EQ(first->got, back);
    EXPECT_FALSE(report->why) << report->why.message();
    EXPECT_EQ(report->first_to_second_bytes, there.size());
    EXPECT_EQ(report->second_to_first_bytes, back.size());
    EXPECT_LE(loop.buffers.kept(), 2u);
    EXPECT_EQ(loop.buffers.lent() + loop.large_buffers.lent() + loop.pipes.lent(), 0u)
        << "an idle direction holds nothing";
}

TEST_P(room_pipe_test, greets_both_and_then_passes_on_what_was_put_back)
{
    options.greeting = as_bytes("00");
    open("early");
    first->write(" and late");
    ASSERT_TRUE(run_until([&] { return second->got.size() == 16 && first->got.size() == 2; }));
    EXPECT_EQ(first->got, "00");
    EXPECT_EQ(second->got, "00early and late");
    pipe->abort(errc::cancelled);
    ASSERT_TRUE(run_until([&] { return report.has_value(); }));
    EXPECT_EQ(report->why, errc::cancelled);
    EXPECT_EQ(report->first_to_second_bytes, 14u) << "the greeting is not the room's";
}

TEST_P(room_pipe_test, passes_a_reset_on_as_a_reset)
{
    open();
    first->write("something");
    ASSERT_TRUE(run_until([&] { return second->got == "something"; }));
    first->stream.reset_on_close(true);
    first->stream.close();
    ASSERT_TRUE(run_until([&] { return second->ended && report; }));
    EXPECT_TRUE(cut_off(*second)) << second->ended->message();
    EXPECT_TRUE(report->why);
}

// The writing to a side is told of its reset; the reading from it then sees what looks like an end.
TEST_P(room_pipe_test, never_turns_a_reset_into_an_end)
{
    for (int round = 0; round < 20; ++round) {
        report.reset();
        open();
        const byte_vector much = random_bytes(300'000);
        first->write(much);
        ASSERT_TRUE(run_until([&] { return second->got.size() > 8192; }));
        second->stream.reset_on_close(true);
        second->stream.close();
        ASSERT_TRUE(run_until([&] { return first->ended && report && first->writes_under_way == 0; }));
        EXPECT_TRUE(cut_off(*first)) << first->ended->message();
        EXPECT_TRUE(report->why);
    }
}

TEST_P(room_pipe_test, abort_resets_both)
{
    open();
    ASSERT_TRUE(run_until([&] { return pipe != nullptr; }));
    pipe->abort(errc::cancelled);
    ASSERT_TRUE(run_until([&] { return first->ended && second->ended && report; }));
    EXPECT_TRUE(cut_off(*first)) << first->ended->message();
    EXPECT_TRUE(cut_off(*second)) << second->ended->message();
    EXPECT_EQ(report->why, errc::cancelled);
}

TEST_P(room_pipe_test, a_silent_rest_is_bounded)
{
    options.half_timeout = std::chrono::seconds{20};
    open();
    first->shutdown_send();
    ASSERT_TRUE(run_until([&] { return second->ended.has_value(); }));
    EXPECT_EQ(*second->ended, asio::error::eof);
    context.poll(); // the room knows, too
    time.advance(std::chrono::seconds{19});
    context.poll();
    EXPECT_FALSE(report);
    time.advance(std::chrono::seconds{1});
    ASSERT_TRUE(run_until([&] { return first->ended && report; }));
    EXPECT_TRUE(cut_off(*first)) << first->ended->message();
    EXPECT_EQ(report->why, errc::timed_out);
}

TEST_P(room_pipe_test, a_reader_that_waits_holds_back_the_writer)
{
    second_reads = false;
    open();
    const byte_vector much = random_bytes(20'000'000);
    first->write(much);
    context.restart();
    context.run_for(std::chrono::milliseconds{50});
    EXPECT_EQ(first->writes_under_way, 1);
    second->start_reading();
    ASSERT_TRUE(run_until([&] { return second->got.size() == much.size(); }));
    EXPECT_TRUE(second->got == as_text(much));
    pipe->abort(errc::cancelled);
    ASSERT_TRUE(run_until([&] { return report.has_value(); }));
}

TEST(buffer_pool, lends_again_what_came_back)
{
    buffer_pool pool{100, 1};
    auto a = pool.take(), b = pool.take();
    const byte* const address = a.get();
    pool.give_back(std::move(a));
    pool.give_back(std::move(b));
    EXPECT_EQ(pool.kept(), 1u) << "no more than the bound";
    EXPECT_EQ(pool.take().get(), address);
    pool.give_back(nullptr);
    EXPECT_EQ(pool.kept(), 0u);
}

TEST(buffer_pool, lends_no_more_than_the_bound)
{
    buffer_pool pool{100, 1, 2};
    auto a = pool.take(), b = pool.take();
    EXPECT_EQ(pool.lent(), 2u);
    EXPECT_EQ(pool.take(), nullptr);
    pool.give_back(std::move(a));
    EXPECT_NE(pool.take(), nullptr);
}

TEST(buffer_pool, lends_buffers_that_begin_at_a_page)
{
    buffer_pool pool{512u << 10};
    const auto a = pool.take(), b = pool.take();
    for (const byte* begin : {a.get(), b.get()})
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % std::size_t(detail::page_alignment), 0u);
}

} // namespace
} // namespace parley::test
