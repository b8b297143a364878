#include "relay/rooms/splice_pipe.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

namespace parley::test {
namespace {

namespace asio = boost::asio;
using detail::pipe_pool;
using detail::splice_pipe;

// Two sockets that are connected.
struct socket_pair {
    socket_pair()
    {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        EXPECT_TRUE(detail::prepare_for_splice(ends[0]) && detail::prepare_for_splice(ends[1]));
    }
    socket_pair(const socket_pair&) = delete;
    socket_pair& operator=(const socket_pair&) = delete;
    ~socket_pair()
    {
        for (const int end : ends) ::close(end);
    }
    std::array<int, 2> ends{};
};

TEST(splice_pipe, carries_bytes_from_socket_to_socket)
{
    socket_pair from, to;
    splice_pipe pipe = splice_pipe::open(1u << 18, 1u << 12);
    ASSERT_TRUE(pipe);
    EXPECT_GE(pipe.capacity(), 1u << 12);
    error_code error;
    EXPECT_EQ(pipe.fill(from.ends[1], 100, error), 0u);
    EXPECT_EQ(error, asio::error::would_block);

    const std::string text = "through the kernel";
    ASSERT_EQ(::write(from.ends[0], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_EQ(pipe.fill(from.ends[1], 7, error), 7u) << "no more than it may";
    EXPECT_FALSE(error);
    EXPECT_EQ(pipe.held(), 7u);
    EXPECT_EQ(pipe.drain(to.ends[0], error), 7u);
    EXPECT_EQ(pipe.held(), 0u);
    EXPECT_EQ(pipe.fill(from.ends[1], 1000, error), text.size() - 7);
    EXPECT_EQ(pipe.drain(to.ends[0], error), text.size() - 7);
    std::array<char, 100> got{};
    const ssize_t size = ::read(to.ends[1], got.data(), got.size());
    EXPECT_EQ(std::string(got.data(), static_cast<std::size_t>(size)), text);

    ::shutdown(from.ends[0], SHUT_WR);
    EXPECT_EQ(pipe.fill(from.ends[1], 100, error), 0u);
    EXPECT_EQ(error, asio::error::eof);
}

TEST(splice_pipe, keeps_what_a_full_socket_does_not_take)
{
    socket_pair from, to;
    const std::string much(100'000, 'x');
    while (::send(to.ends[0], much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    splice_pipe pipe = splice_pipe::open(1u << 16, 1u << 12);
    ASSERT_EQ(::write(from.ends[0], "rest", 4), 4);
    error_code error;
    ASSERT_EQ(pipe.fill(from.ends[1], 100, error), 4u);
    EXPECT_EQ(pipe.drain(to.ends[0], error), 0u);
    EXPECT_EQ(error, asio::error::would_block);
    EXPECT_EQ(pipe.held(), 4u);
}

// SIGPIPE would end this program.
TEST(splice_pipe, is_told_of_a_closed_reader_without_a_signal)
{
    socket_pair from;
    std::array<int, 2> to{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to.data()), 0);
    ::close(to[1]);
    splice_pipe pipe = splice_pipe::open(1u << 16, 1u << 12);
    ASSERT_EQ(::write(from.ends[0], "rest", 4), 4);
    error_code error;
    ASSERT_EQ(pipe.fill(from.ends[1], 100, error), 4u);
    EXPECT_EQ(pipe.drain(to[0], error), 0u);
    EXPECT_EQ(error, asio::error::broken_pipe);
    sigset_t pending, blocked;
    ::sigpending(&pending);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
    EXPECT_EQ(::sigismember(&blocked, SIGPIPE), 0) << "the mask is as it was";
    ::close(to[0]);
}

TEST(splice_pipe, says_what_it_cannot_splice)
{
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    splice_pipe pipe = splice_pipe::open(1u << 16, 1u << 12);
    error_code error;
    EXPECT_EQ(pipe.fill(epoll, 100, error), 0u);
    EXPECT_EQ(error, asio::error::operation_not_supported);
    EXPECT_FALSE(detail::prepare_for_splice(-1));
    ::close(epoll);
}

TEST(pipe_pool, lends_so_many_and_lends_again_what_came_back_empty)
{
    pipe_pool pool{2};
    splice_pipe a = pool.take(), b = pool.take();
    ASSERT_TRUE(a && b);
    EXPECT_FALSE(pool.take()) << "no more than the bound";
    EXPECT_EQ(pool.lent(), 2u);

    socket_pair from;
    ASSERT_EQ(::write(from.ends[0], "rest", 4), 4);
    error_code error;
    ASSERT_EQ(b.fill(from.ends[1], 100, error), 4u);
    pool.give_back(std::move(a));
    pool.give_back(std::move(b));
    pool.give_back({});
    EXPECT_EQ(pool.lent(), 0u);
    EXPECT_EQ(pool.kept(), 1u) << "one with bytes is nothing for somebody else";
}

TEST(pipe_pool, lends_none_where_the_system_gives_none)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = ::dup(0);
    ::close(next);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    pipe_pool pool{10};
    const bool got = static_cast<bool>(pool.take());
    const std::size_t usual = pipe_pool::usual_max_lent();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_FALSE(got);
    EXPECT_LE(usual, static_cast<std::size_t>(next)) << "it leaves descriptors for others";
    EXPECT_EQ(pool.lent(), 0u);
    EXPECT_FALSE(pool.take()) << "it does not ask again at once";
    bool later = false;
    for (int i = 0; i < 1001 && !later; ++i) later = static_cast<bool>(pool.take());
    EXPECT_TRUE(later);
}

} // namespace
} // namespace parley::test
