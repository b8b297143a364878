#include "support/streams.hpp"

#include <netinet/tcp.h>

namespace parley::test {
namespace {

tcp_endpoint at(const char* address, std::uint16_t port)
{
    return {asio::ip::make_address(address), port};
}

TEST(identity_of_test, writes_each_family_as_the_protocol_has_it)
{
    EXPECT_EQ(identity_of(at("192.0.2.7", 80)).text(), "192.0.2.7:80");
    EXPECT_EQ(identity_of(at("2001:db8::1", 65535)).text(), "[2001:db8::1]:65535");
    EXPECT_EQ(identity_of(at("::ffff:192.0.2.7", 9000)).text(), "192.0.2.7:9000");
    EXPECT_EQ(identity_of(at("fe80::1%1", 9000)).text(), "[fe80::1]:9000")
        << "a zone means nothing to others";
}

TEST(identity_of_test, the_longest_address_fits)
{
    EXPECT_EQ(identity_of(at("2001:1db8:1111:2222:3333:4444:5555:6666", 65535)).text(),
              "[2001:1db8:1111:2222:3333:4444:5555:6666]:65535");
}

TEST(tcp_stream_test, knows_where_it_is_connected_even_after_close)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    const tcp_endpoint remote = sockets.first.remote_endpoint();
    any_stream stream = make_tcp_stream(std::move(sockets.first));
    EXPECT_EQ(stream.transport_name(), "tcp");
    EXPECT_GE(stream.native_handle(), 0);
    stream.close();
    EXPECT_EQ(stream.remote_endpoint(), remote);
    EXPECT_EQ(stream.remote_address(), "127.0.0.1:" + std::to_string(remote.port()));
    EXPECT_EQ(stream.remote_identity().text(), stream.remote_address());
    EXPECT_EQ(stream.native_handle(), -1);
}

int option_of(const any_stream& stream, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(stream.native_handle(), level, name, &value, &size);
    return value;
}

TEST(tcp_stream_test, sets_the_options)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    const any_stream usual = make_tcp_stream(std::move(sockets.first));
    EXPECT_NE(option_of(usual, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option_of(usual, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option_of(usual, IPPROTO_TCP, TCP_KEEPIDLE), 25);
    EXPECT_EQ(option_of(usual, IPPROTO_TCP, TCP_KEEPINTVL), 25);
    EXPECT_EQ(option_of(usual, IPPROTO_TCP, TCP_KEEPCNT), 2);
    EXPECT_EQ(option_of(usual, IPPROTO_TCP, TCP_USER_TIMEOUT), 0) << "the other end may rest";
    tcp_options plain;
    plain.no_delay = false;
    plain.dead_path_timeout = std::chrono::seconds{0};
    const any_stream other = make_tcp_stream(std::move(sockets.second), plain);
    EXPECT_EQ(option_of(other, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option_of(other, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(tcp_stream_test, bounds_the_wait_for_an_acknowledgement)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    any_stream stream = make_tcp_stream(std::move(sockets.first));
    stream.set_acknowledgement_timeout(std::chrono::seconds{75});
    EXPECT_EQ(option_of(stream, IPPROTO_TCP, TCP_USER_TIMEOUT), 75'000);
    stream.set_acknowledgement_timeout(std::chrono::hours{1'000'000});
    EXPECT_EQ(option_of(stream, IPPROTO_TCP, TCP_USER_TIMEOUT), std::numeric_limits<int>::max());
    stream.set_acknowledgement_timeout(std::chrono::seconds{0});
    EXPECT_EQ(option_of(stream, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    stream.close();
    stream.set_acknowledgement_timeout(std::chrono::seconds{1});
}

// A write may take the system's only report of the reset; who wrote then closes the stream before who reads
// is told of the end.
TEST(tcp_stream_test, remembers_a_reset_after_close)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    any_stream stream = make_tcp_stream(std::move(sockets.first));
    any_stream other = make_tcp_stream(std::move(sockets.second));
    testing::run_until_done(context, [&]() -> awaitable<void> {
        other.reset_on_close(true);
        other.close();
        auto readable = co_await stream.async_wait_readable(use_tuple);
        (void)readable;
        const auto failed = co_await write_all(stream, "abc");
        EXPECT_TRUE(failed);
        stream.close();
        EXPECT_TRUE(stream.was_reset());
        EXPECT_FALSE(other.was_reset());
    });
}

TEST(tcp_stream_test, operations_on_a_closed_stream_fail)
{
    asio::io_context context;
    tcp_pair sockets = make_tcp_pair(context);
    any_stream stream = make_tcp_stream(std::move(sockets.first));
    stream.close();
    stream.reset_on_close(true);
    std::array<byte, 4> scratch{};
    error_code error;
    EXPECT_EQ(stream.try_read_some(scratch, error), 0U);
    EXPECT_EQ(error, asio::error::bad_descriptor);
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto read = co_await stream.async_read_some(asio::buffer(scratch), use_tuple);
        EXPECT_EQ(std::get<0>(read), asio::error::bad_descriptor);
        auto ended = co_await stream.async_shutdown_send(use_tuple);
        EXPECT_TRUE(std::get<0>(ended));
    });
}

TEST(tcp_transport_test, is_registered_with_the_protocols_ports)
{
    const transport* tcp = find_transport("tcp");
    ASSERT_NE(tcp, nullptr);
    EXPECT_EQ(tcp->default_port, 9000);
    EXPECT_EQ(tcp->default_room_port, 9001);
    EXPECT_FALSE(tcp->has_path());
}

} // namespace
} // namespace parley::test
