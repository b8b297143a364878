// A room between two sockets, whose bytes stay in the kernel; room_pipe_test.cpp has what is true of any
// room.
#include "relay/rooms/room_pipe.hpp"

#include "support/actors_world.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <thread>

namespace parley::test {
namespace {

using detail::room_pipe;
using detail::room_pipe_options;
using detail::room_pipe_report;
using detail::room_worker;

// One end of a TCP connection, without the loop that the room runs on.
class plain_end {
public:
    explicit plain_end(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
    int fd() { return socket_.native_handle(); }
    // What it takes now.
    std::size_t write_now(bytes_view bytes)
    {
        const ssize_t size = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    std::size_t read_now(mutable_bytes out)
    {
        const ssize_t size = ::recv(fd(), out.data(), out.size(), MSG_DONTWAIT);
        return size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    void close() { socket_.close(); }

private:
    asio::ip::tcp::socket socket_;
};

struct splice_test : ::testing::Test {
    // A room with an end outside of the loop on either side.
    struct room {
        explicit room(splice_test& t, room_worker& loop) : first(t.apart()), second(t.apart())
        {
            auto [a, inner_a] = t.connected();
            auto [b, inner_b] = t.connected();
            first = std::move(a);
            second = std::move(b);
            pipe = room_pipe::start(make_tcp_stream(std::move(inner_a)), make_tcp_stream(std::move(inner_b)),
                                    {}, loop, [this](const room_pipe_report& r) { report = r; });
        }
        plain_end first, second;
        std::optional<room_pipe_report> report;
        std::shared_ptr<room_pipe> pipe;
    };

    plain_end apart() { return plain_end{asio::ip::tcp::socket{outside}}; }
    std::pair<plain_end, asio::ip::tcp::socket> connected()
    {
        asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
        asio::ip::tcp::socket a{outside}, b{context};
        a.connect(acceptor.local_endpoint());
        acceptor.accept(b);
        return {plain_end{std::move(a)}, std::move(b)};
    }
    bool run_until(const std::function<bool()>& condition)
    {
        context.restart();
        const time_point end = clock::now() + testing::test_patience;
        while (!condition()) {
            if (clock::now() >= end) return false;
            const time_point next = time.next_deadline();
            if (context.run_one_for(std::chrono::milliseconds{1}) == 0 && next != no_deadline)
                time.advance_to(next);
            context.restart();
        }
        return true;
    }
    // Writes until nothing moves any more: all sockets and pipes on the way are full.
    byte_vector fill(room& r)
    {
        byte_vector sent;
        int still = 0;
        run_until([&] {
            const byte_vector more = random_bytes(50'000, sent.size() + 1);
            const std::size_t size = r.first.write_now(more);
            sent.insert(sent.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(size));
            still = size == 0 ? still + 1 : 0;
            return still == 50;
        });
        return sent;
    }
    // Reads that many bytes of the second end, or until it ends.
    byte_vector drain(room& r, std::size_t size)
    {
        byte_vector got(size);
        std::size_t at = 0;
        EXPECT_TRUE(run_until([&] {
            at += r.second.read_now(mutable_bytes{got}.subspan(at));
            return at == size;
        }));
        got.resize(at);
        return got;
    }

    testing::virtual_clock time; // moves on when nothing else does
    asio::io_context context{1}, outside{1};
};

TEST_F(splice_test, much_at_once_goes_through_a_pipe_that_goes_back)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    const byte_vector sent = fill(r);
    ASSERT_GT(sent.size(), 1'000'000u);
    EXPECT_EQ(loop.pipes.lent(), 1u) << "what is stuck is in a pipe";
    EXPECT_LT(r.pipe->bytes(), sent.size());
    EXPECT_TRUE(drain(r, sent.size()) == sent);
    EXPECT_TRUE(run_until([&] { return loop.pipes.lent() == 0; })) << "an idle direction holds none";
    EXPECT_EQ(loop.pipes.kept(), 1u);
    EXPECT_EQ(r.pipe->bytes(), sent.size());
    r.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
    EXPECT_EQ(r.report->first_to_second_bytes, sent.size());
}

TEST_F(splice_test, small_messages_need_no_pipe)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    for (int i = 0; i < 10; ++i) {
        const byte_vector sent = random_bytes(1000, 5);
        ASSERT_EQ(r.first.write_now(sent), sent.size());
        EXPECT_TRUE(drain(r, sent.size()) == sent);
    }
    EXPECT_EQ(loop.pipes.kept() + loop.pipes.lent() + loop.large_buffers.kept(), 0u);
    EXPECT_EQ(loop.buffers.kept(), 1u);
    r.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
}

TEST_F(splice_test, the_end_comes_after_what_is_stuck_in_the_pipe)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    const byte_vector sent = fill(r);
    ASSERT_EQ(loop.pipes.lent(), 1u);
    ::shutdown(r.first.fd(), SHUT_WR);
    ::shutdown(r.second.fd(), SHUT_WR);
    EXPECT_TRUE(drain(r, sent.size()) == sent);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
    EXPECT_FALSE(r.report->why) << r.report->why.message();
    byte end = 0;
    EXPECT_EQ(::recv(r.second.fd(), &end, 1, 0), 0);
    EXPECT_EQ(::recv(r.first.fd(), &end, 1, 0), 0);
    EXPECT_EQ(loop.pipes.lent(), 0u);
}

TEST_F(splice_test, a_reset_passes_over_what_is_stuck_in_the_pipe)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    fill(r);
    ASSERT_EQ(loop.pipes.lent(), 1u);
    const linger at_once{1, 0};
    ::setsockopt(r.second.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    r.second.close();
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
    EXPECT_TRUE(r.report->why);
    EXPECT_EQ(loop.pipes.lent(), 0u);
    EXPECT_EQ(loop.pipes.kept(), 0u) << "bytes of one room never reach another";
    byte nothing = 0;
    EXPECT_EQ(::recv(r.first.fd(), &nothing, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(splice_test, abort_throws_away_what_is_stuck_in_the_pipe)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    fill(r);
    ASSERT_EQ(loop.pipes.lent(), 1u);
    r.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
    EXPECT_EQ(r.report->why, errc::cancelled);
    EXPECT_EQ(loop.pipes.lent() + loop.pipes.kept(), 0u);
}

TEST_F(splice_test, without_a_pipe_bytes_go_through_buffers)
{
    room_worker loop{context.get_executor(), 65536, 1};
    room stuck{*this, loop}, other{*this, loop};
    const byte_vector held = fill(stuck);
    ASSERT_EQ(loop.pipes.lent(), 1u);
    const byte_vector sent = fill(other);
    EXPECT_EQ(loop.pipes.lent(), 1u);
    EXPECT_TRUE(drain(other, sent.size()) == sent);
    EXPECT_TRUE(drain(stuck, held.size()) == held);
    const byte_vector more = fill(other);
    EXPECT_EQ(loop.pipes.lent(), 1u) << "and through a pipe again when there is one";
    EXPECT_TRUE(drain(other, more.size()) == more);
    stuck.pipe->abort(errc::cancelled);
    other.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return stuck.report && other.report; }));
}

// A sender and a reader on threads of their own keep one room in motion without end.
TEST_F(splice_test, a_busy_room_leaves_others_their_turn)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room busy{*this, loop}, quiet{*this, loop};
    std::atomic<bool> stop{false};
    const auto keep = [&stop](int fd, short ready, const auto& move) {
        while (!stop) {
            pollfd until{fd, ready, 0};
            ::poll(&until, 1, 10);
            move();
        }
    };
    const byte_vector much = random_bytes(1u << 20);
    std::thread writer{[&] { keep(busy.first.fd(), POLLOUT, [&] { busy.first.write_now(much); }); }};
    std::thread reader{[&, into = byte_vector(1u << 20)]() mutable {
        keep(busy.second.fd(), POLLIN, [&] { busy.second.read_now(into); });
    }};
    EXPECT_TRUE(run_until([&] { return busy.pipe->bytes() > 50'000'000; }));
    for (int i = 0; i < 20; ++i) {
        const std::uint64_t before = busy.pipe->bytes();
        const byte ping = static_cast<byte>(i);
        byte got = 0;
        quiet.first.write_now({&ping, 1});
        // By steps of the loop, so that nothing else decides who comes next.
        while (quiet.second.read_now({&got, 1}) == 0 && busy.pipe->bytes() - before < 1'000'000'000) {
            context.run_one_for(std::chrono::milliseconds{100});
            context.restart();
        }
        EXPECT_EQ(got, ping);
        EXPECT_LT(busy.pipe->bytes() - before, 20'000'000u);
    }
    stop = true;
    writer.join();
    reader.join();
    for (room* each : {&busy, &quiet}) each->pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return busy.report && quiet.report; }));
}

// The byte that is out of band is lost, as it is to anybody who reads; what stands around it is not.
TEST_F(splice_test, urgent_data_stops_nothing)
{
    room_worker loop{context.get_executor(), 65536, 4};
    room r{*this, loop};
    const byte_vector sent = random_bytes(200'000);
    const bytes_view front = bytes_view{sent}.first(100'000), back = bytes_view{sent}.subspan(100'000);
    std::size_t at = 0;
    ASSERT_TRUE(run_until([&] { return (at += r.first.write_now(front.subspan(at))) == front.size(); }));
    const byte urgent = 1;
    ASSERT_EQ(::send(r.first.fd(), &urgent, 1, MSG_OOB), 1);
    at = 0;
    ASSERT_TRUE(run_until([&] { return (at += r.first.write_now(back.subspan(at))) == back.size(); }));
    EXPECT_TRUE(drain(r, sent.size()) == sent);
    r.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
}

TEST_F(splice_test, keeps_to_the_rate_of_a_room)
{
    room_worker loop{context.get_executor(), 65536, 4, time};
    loop.stop_watching(); // time passes here whenever nothing else is due
    constexpr double bytes_per_second = 20e6;
    loop.bandwidth.set_rates(0, bytes_per_second);
    room r{*this, loop};
    const time_point start = time.now();
    const byte_vector sent = fill(r), got = drain(r, sent.size());
    EXPECT_TRUE(got == sent);
    const auto took = std::chrono::duration<double>(time.now() - start).count();
    const double burst = bytes_per_second / 10;
    EXPECT_NEAR(took, (static_cast<double>(sent.size()) - burst) / bytes_per_second, 1e-3);
    r.pipe->abort(errc::cancelled);
    EXPECT_TRUE(run_until([&] { return r.report.has_value(); }));
}

TEST_F(splice_test, ends_a_room_that_passes_its_bytes)
{
    room_worker loop{context.get_executor(), 65536, 4};
    loop.room_bytes = 1'000'000;
    room r{*this, loop};
    byte_vector into(100'000);
    const byte_vector much = random_bytes(100'000);
    EXPECT_TRUE(run_until([&] {
        r.first.write_now(much);
        r.second.read_now(into);
        return r.report.has_value();
    }));
    EXPECT_EQ(r.report->limit, reject_reason::room_bytes);
    EXPECT_LE(r.report->first_to_second_bytes, 1'000'000u);
    EXPECT_GT(r.report->first_to_second_bytes, 400'000u);
    EXPECT_EQ(loop.pipes.lent(), 0u);
}

} // namespace
} // namespace parley::test
