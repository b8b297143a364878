#include "support.hpp"

#include <parley/net/listener.hpp>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using testing::run_until_done;

listen_address at(const char* text)
{
    return *listen_address::parse(text);
}

class listener_test : public ::testing::Test {
protected:
    listener_test()
    {
        options.retry_delay = 1ms;
        options.on_error = [this](error_code error) { errors.push_back(error); };
    }

    void start(listener& l)
    {
        l.start([this](any_stream stream) { streams.push_back(std::move(stream)); });
    }
    // Connects to `endpoint` and waits until the listener has given the stream.
    void connect_one(const tcp_endpoint& endpoint)
    {
        const std::size_t before = streams.size();
        clients.emplace_back(context).connect(endpoint);
        run_until_done(context, [&]() -> awaitable<void> {
            while (streams.size() == before) co_await yield_once();
        });
    }

    asio::io_context context;
    listen_options options;
    std::vector<error_code> errors;
    std::vector<any_stream> streams;
    std::vector<tcp::socket> clients;
};

TEST_F(listener_test, gives_streams_of_all_its_addresses)
{
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("127.0.0.1:0")));
    ASSERT_TRUE(l.add(at("127.0.0.2:0")));
    const auto bound = l.bound();
    ASSERT_EQ(bound.size(), 2U);
    EXPECT_NE(bound[0].port(), 0);
    start(l);
    connect_one(bound[0]);
    connect_one(bound[1]);
    EXPECT_EQ(streams[0].remote_endpoint(), clients[0].local_endpoint());
    EXPECT_EQ(streams[1].remote_endpoint(), clients[1].local_endpoint());
    EXPECT_EQ(clients[1].remote_endpoint(), bound[1]);
    l.stop();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_TRUE(errors.empty());
}

TEST_F(listener_test, both_families_share_the_port_that_the_system_picks)
{
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("*:0")));
    const auto bound = l.bound();
    ASSERT_FALSE(bound.empty());
    for (const tcp_endpoint& endpoint : bound) EXPECT_EQ(endpoint.port(), bound.front().port());
    start(l);
    connect_one({loopback, bound.front().port()});
    EXPECT_EQ(streams[0].remote_identity().address(), "127.0.0.1");
    if (bound.size() == 2) {
        clients.emplace_back(context);
        error_code error;
        clients.back().connect({asio::ip::address_v6::loopback(), bound.front().port()}, error);
        EXPECT_FALSE(error) << error.message();
    }
}

TEST_F(listener_test, an_address_in_use_is_an_error_at_once)
{
    listener first{context.get_executor(), options}, second{context.get_executor(), options};
    ASSERT_TRUE(first.add(at("127.0.0.1:0")));
    const auto taken = second.add(at(to_text(first.bound().at(0)).c_str()));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), asio::error::address_in_use);
    EXPECT_TRUE(second.bound().empty());
}

TEST_F(listener_test, an_unknown_transport_is_refused)
{
    listener l{context.get_executor(), options};
    listen_address address = at("127.0.0.1:0");
    address.scheme = "smoke";
    EXPECT_EQ(l.add(address).error(), errc::unknown_transport);
}

TEST_F(listener_test, accepted_streams_have_the_options)
{
    options.tcp.receive_buffer_bytes = 20'000;
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("127.0.0.1:0")));
    start(l);
    connect_one(l.bound()[0]);
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(streams[0].native_handle(), IPPROTO_TCP, TCP_NODELAY, &value, &size);
    EXPECT_NE(value, 0);
    ::getsockopt(streams[0].native_handle(), SOL_SOCKET, SO_RCVBUF, &value, &size);
    EXPECT_EQ(value, 40'000) << "the system doubles what is asked for";
}

// While it lives, this process can open no descriptor.
class no_descriptors {
public:
    no_descriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(lowest_free);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(lowest_free);
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;

private:
    rlimit before_{};
};

TEST_F(listener_test, survives_running_out_of_descriptors)
{
#ifdef __has_feature
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "the sanitizer looks at an object's type through a pipe, and takes it for invalid when "
                    "it gets none";
#endif
#endif
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("127.0.0.1:0")));
    start(l);
    tcp::socket client{context, tcp::v4()};
    {
        const no_descriptors limit;
        client.connect(l.bound()[0]);
        run_until_done(context, [&]() -> awaitable<void> {
            while (errors.size() < 3) co_await yield_once();
        });
        EXPECT_TRUE(streams.empty());
    }
    for (const error_code& error : errors) EXPECT_EQ(error, asio::error::no_descriptors);
    run_until_done(context, [&]() -> awaitable<void> {
        while (streams.empty()) co_await yield_once();
    });
    EXPECT_EQ(streams[0].remote_endpoint(), client.local_endpoint());
    connect_one(l.bound()[0]);
}

TEST_F(listener_test, a_connection_that_is_gone_again_ends_nothing)
{
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("127.0.0.1:0")));
    for (int i = 0; i < 5; ++i) {
        tcp::socket client{context};
        client.connect(l.bound()[0]);
        client.set_option(tcp::socket::linger{true, 0});
    }
    start(l);
    connect_one(l.bound()[0]);
    while (streams.back().remote_endpoint() != clients.back().local_endpoint()) {
        ASSERT_LT(streams.size(), 7U);
        run_until_done(context, [&]() -> awaitable<void> {
            const std::size_t before = streams.size();
            while (streams.size() == before) co_await yield_once();
        });
    }
}

TEST_F(listener_test, gives_nothing_after_stop)
{
    listener l{context.get_executor(), options};
    ASSERT_TRUE(l.add(at("127.0.0.1:0")));
    const tcp_endpoint endpoint = l.bound()[0];
    start(l);
    clients.emplace_back(context).connect(endpoint);
    l.stop();
    l.stop();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_TRUE(streams.empty());
    error_code error;
    clients.emplace_back(context).connect(endpoint, error);
    EXPECT_EQ(error, asio::error::connection_refused);
    EXPECT_TRUE(errors.empty());
}

TEST_F(listener_test, may_be_destroyed_by_what_it_calls)
{
    auto l = std::make_unique<listener>(context.get_executor(), options);
    ASSERT_TRUE(l->add(at("127.0.0.1:0")));
    const tcp_endpoint endpoint = l->bound()[0];
    l->start([&](any_stream stream) {
        l.reset();
        streams.push_back(std::move(stream));
    });
    clients.emplace_back(context).connect(endpoint);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(streams.size(), 1U);
}

} // namespace
} // namespace parley::test
