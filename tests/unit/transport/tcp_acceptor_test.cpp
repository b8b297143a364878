#include "support/streams.hpp"

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

class tcp_acceptor_test : public ::testing::Test {
protected:
    tcp_acceptor_test()
    {
        options.retry_delay = 1ms;
        options.on_error = [this](error_code error) { errors.push_back(error); };
    }

    std::unique_ptr<acceptor_base> bind(const char* address = "127.0.0.1:0")
    {
        return listen(context.get_executor(), at(address), options).value();
    }
    void start(acceptor_base& acceptor)
    {
        acceptor.start([this](any_stream stream) { streams.push_back(std::move(stream)); });
    }
    // Connects to `endpoint` and waits until the acceptor has given the stream.
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

TEST_F(tcp_acceptor_test, gives_a_stream_for_each_connection)
{
    const auto acceptor = bind();
    ASSERT_EQ(acceptor->bound().size(), 1U);
    const tcp_endpoint bound = acceptor->bound()[0];
    EXPECT_NE(bound.port(), 0);
    start(*acceptor);
    connect_one(bound);
    connect_one(bound);
    EXPECT_EQ(streams[0].remote_endpoint(), clients[0].local_endpoint());
    EXPECT_EQ(streams[1].remote_endpoint(), clients[1].local_endpoint());
    EXPECT_EQ(clients[1].remote_endpoint(), bound);
    acceptor->stop();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_TRUE(errors.empty());
}

TEST_F(tcp_acceptor_test, both_families_share_the_port_that_the_system_picks)
{
    const auto acceptor = bind("*:0");
    const auto bound = acceptor->bound();
    ASSERT_FALSE(bound.empty());
    for (const tcp_endpoint& endpoint : bound) EXPECT_EQ(endpoint.port(), bound.front().port());
    start(*acceptor);
    connect_one({loopback, bound.front().port()});
    EXPECT_EQ(streams[0].remote_identity().address(), "127.0.0.1");
    if (bound.size() == 2) {
        clients.emplace_back(context);
        error_code error;
        clients.back().connect({asio::ip::address_v6::loopback(), bound.front().port()}, error);
        EXPECT_FALSE(error) << error.message();
    }
}

TEST_F(tcp_acceptor_test, an_address_in_use_is_an_error_at_once)
{
    const auto first = bind();
    const auto second = listen(context.get_executor(), at(to_text(first->bound().at(0)).c_str()), options);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), asio::error::address_in_use);
}

TEST_F(tcp_acceptor_test, an_unknown_transport_is_refused)
{
    listen_address address = at("127.0.0.1:0");
    address.scheme = "smoke";
    const auto refused = listen(context.get_executor(), address, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), errc::unknown_transport);
}

TEST_F(tcp_acceptor_test, accepted_streams_have_the_options)
{
    options.tcp.receive_buffer_bytes = 20'000;
    const auto acceptor = bind();
    start(*acceptor);
    connect_one(acceptor->bound()[0]);
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

TEST_F(tcp_acceptor_test, survives_running_out_of_descriptors)
{
#ifdef __has_feature
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "the sanitizer looks at an object's type through a pipe, and takes it for invalid when "
                    "it gets none";
#endif
#endif
    const auto acceptor = bind();
    start(*acceptor);
    tcp::socket client{context, tcp::v4()};
    {
        const no_descriptors limit;
        client.connect(acceptor->bound()[0]);
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
    connect_one(acceptor->bound()[0]);
}

TEST_F(tcp_acceptor_test, a_connection_that_is_gone_again_ends_nothing)
{
    const auto acceptor = bind();
    for (int i = 0; i < 5; ++i) {
        tcp::socket client{context};
        client.connect(acceptor->bound()[0]);
        client.set_option(tcp::socket::linger{true, 0});
    }
    start(*acceptor);
    connect_one(acceptor->bound()[0]);
    while (streams.back().remote_endpoint() != clients.back().local_endpoint()) {
        ASSERT_LT(streams.size(), 7U);
        run_until_done(context, [&]() -> awaitable<void> {
            const std::size_t before = streams.size();
            while (streams.size() == before) co_await yield_once();
        });
    }
}

TEST_F(tcp_acceptor_test, gives_nothing_after_stop)
{
    const auto acceptor = bind();
    const tcp_endpoint endpoint = acceptor->bound()[0];
    start(*acceptor);
    clients.emplace_back(context).connect(endpoint);
    acceptor->stop();
    acceptor->stop();
    EXPECT_TRUE(testing::drain(context));
    EXPECT_TRUE(streams.empty());
    error_code error;
    clients.emplace_back(context).connect(endpoint, error);
    EXPECT_EQ(error, asio::error::connection_refused);
    EXPECT_TRUE(errors.empty());
}

TEST_F(tcp_acceptor_test, may_be_destroyed_by_what_it_calls)
{
    auto acceptor = bind();
    const tcp_endpoint endpoint = acceptor->bound()[0];
    acceptor->start([&](any_stream stream) {
        acceptor.reset();
        streams.push_back(std::move(stream));
    });
    clients.emplace_back(context).connect(endpoint);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(streams.size(), 1U);
}

} // namespace
} // namespace parley::test
