#include "support/streams.hpp"

#include <parley/transport/resolver.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::run_until_done;

class connect_test : public ::testing::Test {
protected:
    connect_test() : acceptor(context, {loopback, 0}) { options.timeout = 20s; }

    tcp_endpoint open() const { return acceptor.local_endpoint(); }

    connect_outcome race(std::vector<tcp_endpoint> endpoints)
    {
        return run_until_done(
            context, [&]() -> awaitable<connect_outcome> { return connect_tcp(endpoints, options); });
    }
    connect_outcome go(const relay_address& address, stream_kind kind = stream_kind::handshake)
    {
        return run_until_done(
            context, [&]() -> awaitable<connect_outcome> { return connect(address, kind, options); });
    }
    static relay_address address_of(const std::string& text) { return *relay_address::parse(text); }

    asio::io_context context;
    tcp::acceptor acceptor;
    connect_options options;
};

TEST_F(connect_test, the_first_address_that_answers_wins)
{
    const auto outcome = race({open()});
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_TRUE(outcome.stream.is_open());
    EXPECT_EQ(outcome.stream.remote_endpoint(), open());
    EXPECT_TRUE(outcome.attempts.empty());
    EXPECT_EQ(outcome.describe(), "connected");
}

TEST_F(connect_test, goes_on_after_a_refusal_without_waiting)
{
    const refusing_port refusing{context};
    options.attempt_delay = 1h;
    const auto outcome = race({refusing.endpoint(), open()});
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_EQ(outcome.stream.remote_endpoint(), open());
    ASSERT_EQ(outcome.attempts.size(), 1U);
    EXPECT_EQ(outcome.attempts[0].endpoint, refusing.endpoint());
    EXPECT_EQ(outcome.attempts[0].error, asio::error::connection_refused);
}

TEST_F(connect_test, overtakes_an_address_that_does_not_answer)
{
    const black_hole hole{context};
    options.attempt_delay = 1ms;
    const auto outcome = race({hole.endpoint(), open()});
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_EQ(outcome.stream.remote_endpoint(), open());
    ASSERT_EQ(outcome.attempts.size(), 1U);
    EXPECT_EQ(outcome.attempts[0].error, asio::error::operation_aborted);
    EXPECT_TRUE(testing::drain(context)) << "the losers are closed";
}

TEST_F(connect_test, when_all_fail_the_error_says_each_address_and_what_happened)
{
    const refusing_port first{context}, second{context};
    const auto outcome = race({first.endpoint(), second.endpoint()});
    EXPECT_EQ(outcome.error, errc::connect_failed);
    EXPECT_FALSE(outcome.stream);
    ASSERT_EQ(outcome.attempts.size(), 2U);
    EXPECT_THAT(outcome.describe(), HasSubstr(to_text(first.endpoint()) + ": Connection refused"));
    EXPECT_THAT(outcome.describe(), HasSubstr(to_text(second.endpoint()) + ": Connection refused"));
}

TEST_F(connect_test, without_addresses_it_fails_at_once)
{
    EXPECT_EQ(race({}).error, errc::connect_failed);
}

TEST_F(connect_test, time_runs_out)
{
    const black_hole hole{context};
    options.timeout = 5ms;
    const auto outcome = race({hole.endpoint()});
    EXPECT_EQ(outcome.error, errc::timed_out);
    ASSERT_EQ(outcome.attempts.size(), 1U);
    EXPECT_THAT(outcome.describe(), HasSubstr("no answer"));
    EXPECT_TRUE(testing::drain(context));
}

TEST_F(connect_test, cancellation_closes_every_attempt)
{
    const black_hole hole{context};
    options.timeout = duration::max();
    asio::cancellation_signal signal;
    error_code seen;
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            std::vector<tcp_endpoint> endpoints(1, hole.endpoint());
            auto outcome = co_await connect_tcp(std::move(endpoints), options);
            seen = outcome.error;
        },
        asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr e) { EXPECT_FALSE(e); }));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(testing::drain(context));
    EXPECT_EQ(seen, errc::cancelled);
}

TEST_F(connect_test, connects_by_name_to_the_port_of_each_kind)
{
    tcp::acceptor rooms{context, {loopback, 0}};
    fixed_resolver names{{{"relay", {{loopback, 0}}}}};
    options.names = &names;
    relay_address address = address_of("relay");
    address.port = open().port();
    address.room_port = rooms.local_endpoint().port();
    EXPECT_EQ(go(address).stream.remote_endpoint(), open());
    EXPECT_EQ(go(address, stream_kind::room).stream.remote_endpoint(), rooms.local_endpoint());
}

TEST_F(connect_test, a_name_without_addresses_is_an_error_of_its_own)
{
    fixed_resolver names{{}};
    options.names = &names;
    const auto outcome = go(address_of("nowhere"));
    EXPECT_EQ(outcome.error, errc::name_not_resolved);
    EXPECT_EQ(outcome.error, condition::transport);
}

TEST_F(connect_test, an_unknown_transport_is_refused)
{
    relay_address address = address_of("127.0.0.1");
    address.scheme = "smoke";
    EXPECT_EQ(go(address).error, errc::unknown_transport);
}

TEST_F(connect_test, the_room_opens_at_the_very_address_that_the_handshake_reached)
{
    // The name now means another address, which must not be asked for.
    fixed_resolver names{{{"relay", {{asio::ip::make_address("127.0.0.9"), 0}}}}};
    options.names = &names;
    const any_stream reached = std::move(race({open()}).stream);
    tcp::acceptor rooms{context, {loopback, 0}};
    relay_address address = address_of("relay");
    address.room_port = rooms.local_endpoint().port();
    const auto outcome = run_until_done(context, [&]() -> awaitable<connect_outcome> {
        return connect_to_address(reached.remote_endpoint(), address, stream_kind::room, options);
    });
    ASSERT_FALSE(outcome.error) << outcome.describe();
    EXPECT_EQ(outcome.stream.remote_endpoint(), rooms.local_endpoint());
}

TEST_F(connect_test, without_an_address_reached_the_host_is_looked_up)
{
    const auto pair = make_memory_stream_pair(context.get_executor(), 1);
    relay_address address = address_of("127.0.0.1");
    address.room_port = open().port();
    const auto outcome = run_until_done(context, [&]() -> awaitable<connect_outcome> {
        return connect_to_address(pair.first.remote_endpoint(), address, stream_kind::room, options);
    });
    EXPECT_EQ(outcome.stream.remote_endpoint(), open());
}

} // namespace
} // namespace parley::test
