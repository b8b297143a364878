#include "net/way_gauge.hpp"

#include "net/offered_window.hpp"

#include <parley/net/awaitable.hpp>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

namespace parley::test {
namespace {

using detail::offered_window;
using detail::way_gauge;

constexpr std::uint64_t believed = way_gauge::believed_bytes;
constexpr std::uint64_t wide = 1 << 20;

TEST(way_gauge, believes_in_acknowledged_bytes_only)
{
    way_gauge gauge;
    EXPECT_FALSE(gauge.is_fast(0, 0, wide));
    EXPECT_FALSE(gauge.is_fast(believed - 1, 0, wide));
    EXPECT_FALSE(gauge.is_fast(believed + 999, 1000, wide));
    EXPECT_TRUE(gauge.is_fast(believed + 1000, 1000, wide));
}

TEST(way_gauge, sees_a_window_that_shrinks)
{
    way_gauge gauge;
    EXPECT_TRUE(gauge.is_fast(believed, 0, wide));
    EXPECT_TRUE(gauge.is_fast(believed, 0, 2 * wide));
    EXPECT_FALSE(gauge.is_fast(believed, 0, wide));
    EXPECT_FALSE(gauge.is_fast(believed, 0, 0));
    EXPECT_TRUE(gauge.is_fast(believed, 0, 2 * wide - wide / 8));
}

TEST(way_gauge, takes_the_unknown_for_slow)
{
    way_gauge gauge;
    EXPECT_FALSE(gauge.is_fast(believed, std::nullopt, wide));
    EXPECT_FALSE(gauge.is_fast(believed, 0, std::nullopt));
}

TEST(way_gauge, asks_the_system_for_the_window)
{
    using asio::ip::tcp;
    asio::io_context context;
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    tcp::socket one{context};
    one.connect(acceptor.local_endpoint());
    const tcp::socket other = acceptor.accept();
    const auto open = offered_window(one.native_handle());
    if (!open) GTEST_SKIP() << "this system does not tell";
    EXPECT_GT(*open, 0u);

    asio::local::stream_protocol::socket left{context}, right{context};
    asio::local::connect_pair(left, right);
    EXPECT_FALSE(offered_window(left.native_handle()));
    EXPECT_FALSE(offered_window(-1));
}

} // namespace
} // namespace parley::test
