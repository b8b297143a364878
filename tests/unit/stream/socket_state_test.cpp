#include "stream/socket/socket_state.hpp"

#include <parley/async/awaitable.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace parley::test {
namespace {

using detail::delivery_of_socket;
using detail::memory_of_socket;
using detail::socket_was_reset;
using detail::window_of_socket;

struct tcp_pair {
    asio::io_context context;
    asio::ip::tcp::socket one{context}, other{context};
    tcp_pair()
    {
        asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
        one.connect(acceptor.local_endpoint());
        acceptor.accept(other);
    }
};

TEST(socket_state, tells_the_window_of_tcp_only)
{
    tcp_pair pair;
    const auto open = window_of_socket(pair.one.native_handle());
    if (!open) GTEST_SKIP() << "this system does not tell";
    EXPECT_GT(*open, 0u);

    asio::local::stream_protocol::socket left{pair.context}, right{pair.context};
    asio::local::connect_pair(left, right);
    EXPECT_FALSE(window_of_socket(left.native_handle()));
    EXPECT_FALSE(window_of_socket(-1));
}

TEST(socket_state, counts_what_tcp_has_acknowledged)
{
    tcp_pair pair;
    const int fd = pair.one.native_handle();
    const auto before = delivery_of_socket(fd);
    if (!before) GTEST_SKIP() << "this system does not tell";
    asio::write(pair.one, asio::buffer(std::string(1000, 'x')));
    const auto after = delivery_of_socket(fd);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->written, before->written + 1000);

    // The other side's end acknowledges what its system has received.
    pair.other.shutdown(asio::ip::tcp::socket::shutdown_send);
    char byte = 0;
    boost::system::error_code error;
    pair.one.read_some(asio::buffer(&byte, 1), error);
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_EQ(delivery_of_socket(fd)->acknowledged, after->written);
    EXPECT_FALSE(socket_was_reset(fd));
}

// A receiver that never reads: when its buffer is full, bytes stay here.
TEST(socket_state, counts_what_tcp_has_not_acknowledged)
{
    tcp_pair pair;
    const int fd = pair.one.native_handle();
    if (!delivery_of_socket(fd)) GTEST_SKIP() << "this system does not tell";
    pair.one.non_blocking(true);
    const std::string block(1 << 20, 'x');
    boost::system::error_code full;
    while (!full) pair.one.write_some(asio::buffer(block), full);
    ASSERT_EQ(full, asio::error::would_block);
    const auto counts = delivery_of_socket(fd);
    ASSERT_TRUE(counts);
    EXPECT_LT(counts->acknowledged, counts->written);
    EXPECT_GE(memory_of_socket(fd), counts->written - counts->acknowledged);
    EXPECT_GE(memory_of_socket(pair.other.native_handle()), 64u << 10) << "what nobody has read";
    EXPECT_EQ(memory_of_socket(-1), 0u);
}

TEST(socket_state, of_a_unix_socket_tells_whether_all_was_read)
{
    asio::io_context context;
    asio::local::stream_protocol::socket left{context}, right{context};
    asio::local::connect_pair(left, right);
    const int fd = left.native_handle();
    const auto empty = delivery_of_socket(fd);
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->acknowledged, empty->written);
    asio::write(left, asio::buffer("abc", 3));
    EXPECT_LT(delivery_of_socket(fd)->acknowledged, delivery_of_socket(fd)->written);
    std::array<char, 3> read{};
    asio::read(right, asio::buffer(read));
    EXPECT_EQ(delivery_of_socket(fd)->acknowledged, delivery_of_socket(fd)->written);
}

TEST(socket_state, tells_a_reset_from_an_end)
{
    tcp_pair pair;
    EXPECT_FALSE(socket_was_reset(pair.one.native_handle()));
    pair.other.set_option(asio::socket_base::linger{true, 0});
    pair.other.close();
    char byte = 0;
    boost::system::error_code error;
    pair.one.read_some(asio::buffer(&byte, 1), error);
    EXPECT_TRUE(socket_was_reset(pair.one.native_handle()));
    EXPECT_FALSE(socket_was_reset(-1));
    EXPECT_FALSE(delivery_of_socket(-1));
}

} // namespace
} // namespace parley::test
