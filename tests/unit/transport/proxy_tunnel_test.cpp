#include "support/streams.hpp"

#include <parley/transport/proxy.hpp>
#include <parley/transport/resolver.hpp>

#include <boost/asio/co_spawn.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::run_until_done;
using namespace std::string_literals;

// A proxy that says `answers`, one after each thing that it is told, and then echoes.
class proxy_tunnel_test : public ::testing::Test {
protected:
    proxy_tunnel_test() : acceptor(context, {loopback, 0})
    {
        options.timeout = 20s;
        options.on_step = [this](const connect_step_report& report) {
            steps.emplace_back(connect_step_name(report.step));
            if (report.error) steps.back() += "!";
        };
    }

    void use(const std::string& scheme, tcp_endpoint at)
    {
        auto settings = proxy_settings::parse(scheme + to_text(at));
        options.proxy = std::make_shared<const proxy_settings>(std::move(*settings));
    }
    void serve(std::vector<std::string> answers)
    {
        asio::co_spawn(
            context,
            [this, answers]() -> awaitable<void> {
                auto accepted = co_await acceptor.async_accept(use_tuple);
                any_stream stream = make_tcp_stream(std::move(std::get<1>(accepted)));
                for (const std::string& answer : answers) {
                    std::string chunk(4096, '\0');
                    auto read = co_await stream.async_read_some(asio::buffer(chunk), use_tuple);
                    heard.push_back(chunk.substr(0, std::get<1>(read)));
                    co_await write_all(stream, answer);
                }
            },
            [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    }
    connect_outcome go(const std::string& relay, stream_kind kind = stream_kind::handshake)
    {
        const relay_address address = *relay_address::parse(relay);
        return run_until_done(
            context, [&]() -> awaitable<connect_outcome> { return connect(address, kind, options); });
    }

    asio::io_context context;
    tcp::acceptor acceptor;
    connect_options options;
    std::vector<std::string> heard, steps;
};

TEST_F(proxy_tunnel_test, the_stream_begins_behind_the_answer)
{
    use("http://", acceptor.local_endpoint());
    serve({"HTTP/1.1 200 OK\r\n\r\nfirst"});
    auto outcome = go("no.such.name.invalid:7000,7001", stream_kind::room);
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_THAT(heard.at(0), HasSubstr("CONNECT no.such.name.invalid:7001 HTTP/1.1\r\n"));
    const auto got =
        run_until_done(context, [&]() -> awaitable<read_result> { return read_up_to(outcome.stream, 5); });
    EXPECT_EQ(got.text, "first");
    EXPECT_THAT(steps, ElementsAre("resolve", "connect", "proxy"));
}

TEST_F(proxy_tunnel_test, by_socks)
{
    use("socks5://", acceptor.local_endpoint());
    serve({"\x05\x00"s, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + "first"});
    auto outcome = go("relay:7000");
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_EQ(heard.at(1), "\x05\x01\x00\x03\x05relay\x1b\x58"s);
    const auto got =
        run_until_done(context, [&]() -> awaitable<read_result> { return read_up_to(outcome.stream, 5); });
    EXPECT_EQ(got.text, "first");
}

TEST_F(proxy_tunnel_test, the_room_goes_through_the_very_same_proxy)
{
    use("http://", {loopback, acceptor.local_endpoint().port()});
    auto settings =
        proxy_settings::parse("http://name.of.proxy:" + std::to_string(acceptor.local_endpoint().port()));
    options.proxy = std::make_shared<const proxy_settings>(std::move(*settings));
    fixed_resolver names{{}}; // knows the proxy no more
    options.names = &names;
    serve({"HTTP/1.1 200 OK\r\n\r\n"});
    const auto outcome = run_until_done(context, [&]() -> awaitable<connect_outcome> {
        return connect_to_address(tcp_endpoint{loopback, 1}, *relay_address::parse("relay"),
                                  stream_kind::room, options);
    });
    EXPECT_FALSE(outcome.error) << outcome.describe();
    EXPECT_THAT(steps, ElementsAre("connect", "proxy"));
}

TEST_F(proxy_tunnel_test, a_proxy_without_address_is_no_relay_without_one)
{
    fixed_resolver names{{}};
    options.names = &names;
    auto settings = proxy_settings::parse("socks5://u:hunter2@nowhere");
    options.proxy = std::make_shared<const proxy_settings>(std::move(*settings));
    const auto outcome = go("relay");
    EXPECT_EQ(outcome.error, errc::proxy_not_resolved);
    EXPECT_THAT(outcome.describe(), HasSubstr("socks5://nowhere:1080"));
    EXPECT_THAT(steps, ElementsAre("resolve!"));
}

TEST_F(proxy_tunnel_test, a_proxy_that_is_down)
{
    const refusing_port refusing{context};
    use("http://", refusing.endpoint());
    const auto outcome = go("relay");
    EXPECT_EQ(outcome.error, errc::proxy_unreachable);
    EXPECT_THAT(outcome.describe(), HasSubstr("Connection refused"));
    EXPECT_THAT(steps, ElementsAre("resolve", "connect!"));
}

TEST_F(proxy_tunnel_test, a_refusal_carries_what_the_proxy_said)
{
    use("http://", acceptor.local_endpoint());
    serve({"HTTP/1.1 403 Not from here\r\n\r\n"});
    const auto outcome = go("relay");
    EXPECT_EQ(outcome.error, errc::proxy_refused_destination);
    EXPECT_THAT(outcome.detail, HasSubstr("403 Not from here"));
    EXPECT_THAT(steps, ElementsAre("resolve", "connect", "proxy!"));
}

TEST_F(proxy_tunnel_test, a_proxy_that_says_nothing_runs_out_of_time)
{
    use("http://", acceptor.local_endpoint());
    options.timeout = 30ms;
    const auto outcome = go("relay");
    EXPECT_EQ(outcome.error, errc::timed_out);
    EXPECT_THAT(outcome.detail, HasSubstr("the proxy"));
    EXPECT_THAT(steps, ElementsAre("resolve", "connect", "proxy!"));
}

TEST_F(proxy_tunnel_test, silence_before_any_look_beyond_itself_is_the_proxys_fault)
{
    use("socks5://", acceptor.local_endpoint());
    options.timeout = 30ms;
    EXPECT_EQ(go("relay").error, errc::proxy_failed);
}

TEST_F(proxy_tunnel_test, tls_inside_of_the_tunnel_is_a_step_of_its_own)
{
    use("http://", acceptor.local_endpoint());
    serve({"HTTP/1.1 200 OK\r\n\r\n", "no TLS at all, but something else"});
    const auto outcome = go("tls://relay");
    EXPECT_EQ(outcome.error, errc::tls_failed);
    EXPECT_THAT(steps, ElementsAre("resolve", "connect", "proxy", "tls!"));
}

TEST_F(proxy_tunnel_test, without_a_proxy_the_steps_are_the_same)
{
    auto outcome = go(to_text(acceptor.local_endpoint()));
    EXPECT_FALSE(outcome.error);
    EXPECT_THAT(steps, ElementsAre("resolve", "connect"));
}

} // namespace
} // namespace parley::test
