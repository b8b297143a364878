#include "forward_world.hpp"

#include <parley/testing/fault_stream.hpp>

namespace parley::test {
namespace {

TEST_F(port_forwarding, carries_a_connection_to_its_two_ends)
{
    start(server(echo));
    const std::string text = patterned(3'000'000);
    any_stream client = program();
    EXPECT_TRUE(exchange(client, text) == text);
    run_until([&] { return forward_log_.counts.size() + expose_log.counts.size() == 2; });
    const std::vector<std::string> expected{"opened 1", "closed 1"};
    EXPECT_EQ(forward_log_.lines, expected);
    EXPECT_EQ(expose_log.lines, expected);
    for (const forward_log* log : {&forward_log_, &expose_log}) {
        EXPECT_EQ(log->counts.at(1).sent, text.size());
        EXPECT_EQ(log->counts.at(1).received, text.size());
    }
    EXPECT_FALSE(expose_end || forward_end);
}

TEST_F(port_forwarding, carries_many_connections_at_once_in_any_split)
{
    testing::fault_options small;
    small.max_read_bytes = 5'000;
    small.max_write_bytes = 3'000;
    pair.first = testing::make_fault_stream(std::move(pair.first), small);
    pair.second = testing::make_fault_stream(std::move(pair.second), small);
    start(server(echo));
    std::deque<any_stream> programs;
    std::vector<std::string> sent, got;
    std::size_t done = 0;
    for (unsigned i = 0; i < 40; ++i) {
        sent.push_back(patterned(i * i * 300, i));
        programs.push_back(program());
    }
    got.resize(sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto writes = [&, i]() -> awaitable<void> {
            co_await write_all(programs[i], sent[i]);
            co_await programs[i].async_shutdown_send(use_tuple);
        };
        const auto reads = [&, i]() -> awaitable<void> {
            auto all = co_await read_to_end(programs[i]);
            got[i] = std::move(all.text);
            ++done;
        };
        asio::co_spawn(context, writes, asio::detached);
        asio::co_spawn(context, reads, asio::detached);
    }
    run_until([&] { return done == sent.size(); });
    for (std::size_t i = 0; i < sent.size(); ++i)
        EXPECT_TRUE(got[i] == sent[i]) << i << ": " << got[i].size() << " of " << sent[i].size();
}

TEST_F(port_forwarding, an_end_of_one_direction_arrives_before_the_answer)
{
    start(server(answer_at_end));
    any_stream client = program();
    EXPECT_EQ(exchange(client, patterned(100'000)), "you sent 100000");
    any_stream empty = program();
    EXPECT_EQ(exchange(empty, ""), "you sent 0");
}

TEST_F(port_forwarding, a_program_that_does_not_read_stops_only_its_own_connection)
{
    const std::string much = patterned(40'000'000);
    std::uint64_t written = 0;
    const forward_target flood = server([&](any_stream stream) -> awaitable<void> {
        for (std::size_t at = 0; at < much.size();) {
            const auto one = co_await stream.async_write_some(
                asio::buffer(much.data() + at, std::min<std::size_t>(much.size() - at, 50'000)), use_tuple);
            if (std::get<0>(one)) co_return;
            at += std::get<1>(one);
            written = at;
        }
        co_await stream.async_shutdown_send(use_tuple);
    });
    forward_machine_options fixed;
    fixed.growth_budget_bytes = 0;
    forwarding.windows(fixed).listen(forward_rule{"127.0.0.1", 0, server(echo)});
    start(flood);
    any_stream slow = program(1), fast = program(0);
    run_until([&] { return written > 1'000'000; });
    const std::string text = patterned(5'000'000, 9);
    EXPECT_TRUE(exchange(fast, text) == text);
    EXPECT_LT(written, much.size()) << "it is held back";
    EXPECT_TRUE(read_all(slow).text == much);
}

TEST_F(port_forwarding, a_target_that_refuses_resets_the_program)
{
    const refusing_port closed{context};
    const forward_target target{"127.0.0.1", closed.endpoint().port()};
    exposing.expose(target);
    start(target);
    any_stream client = program();
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(forward_log_.lines, std::vector<std::string>{"refused 1 3"});
    EXPECT_EQ(forward_log_.reasons.at(0), "it cannot be reached (Connection refused)");
    EXPECT_EQ(expose_log.lines, std::vector<std::string>{"refused 1 3"});
    EXPECT_TRUE(expose_log.reasons.at(0).find(target.text()) != std::string::npos)
        << expose_log.reasons.at(0);
}

TEST_F(port_forwarding, what_is_not_exposed_is_not_reached)
{
    std::size_t reached = 0;
    forward_target target = server([&](any_stream) -> awaitable<void> {
        ++reached;
        co_return;
    });
    target.host = "localhost"; // the same place by another name
    start(target);
    any_stream client = program();
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(forward_log_.lines, std::vector<std::string>{"refused 1 1"});
    EXPECT_EQ(reached, 0u);
}

TEST_F(port_forwarding, names_are_looked_up_by_the_exposing_side)
{
    forward_target target = server(echo);
    fixed_resolver names{{{"inside", {tcp_endpoint{loopback, 0}}}}};
    target.host = "inside";
    exposing.names(&names).expose(target).expose({"nowhere", 80});
    forwarding.listen(forward_rule{"127.0.0.1", 0, {"nowhere", 80}});
    start(target);
    any_stream good = program(1), bad = program(0);
    EXPECT_EQ(exchange(good, "there"), "there");
    EXPECT_EQ(read_all(bad).error, asio::error::connection_reset);
    EXPECT_TRUE(forward_log_.has("refused 1 2") || forward_log_.has("refused 2 2"));
}

TEST_F(port_forwarding, a_target_that_does_not_answer_is_given_up)
{
    const black_hole hole{context};
    const forward_target target{"127.0.0.1", hole.endpoint().port()};
    exposing.expose(target).connect_timeout(std::chrono::milliseconds{20});
    start(target);
    any_stream client = program();
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(forward_log_.lines, std::vector<std::string>{"refused 1 4"});
}

TEST_F(port_forwarding, a_reset_arrives_as_a_reset)
{
    start(holding_server());
    any_stream first = program();
    run_until([&] { return held.size() == 1; });
    any_stream second = program();
    run_until([&] { return held.size() == 2; });
    first.reset_on_close(true);
    first.close();
    EXPECT_EQ(read_all(held[0]).error, asio::error::connection_reset);
    held[1].reset_on_close(true);
    held[1].close();
    EXPECT_EQ(read_all(second).error, asio::error::connection_reset);
    run_until([&] { return expose_log.errors.size() + forward_log_.errors.size() == 4; });
    for (const forward_log* log : {&expose_log, &forward_log_})
        for (const auto& [number, error] : log->errors) EXPECT_EQ(error, asio::error::connection_reset);
}

// The program leaves while its target is being reached.
TEST_F(port_forwarding, a_connection_that_is_given_up_is_not_made)
{
    const black_hole hole{context};
    const forward_target target{"127.0.0.1", hole.endpoint().port()};
    exposing.expose(target);
    forwarding.max_connections(1);
    start(target);
    for (forward_number i = 1; i <= 3; ++i) {
        any_stream client = program();
        for (int turn = 0; turn < 20; ++turn) context.poll();
        client.reset_on_close(true);
        client.close();
        for (int turn = 0; turn < 20; ++turn) context.poll();
    }
    cancel_expose.emit(asio::cancellation_type::terminal);
    run_to_the_end();
    EXPECT_TRUE(expose_log.lines.empty());
}

TEST_F(port_forwarding, more_connections_than_allowed_are_refused)
{
    forwarding.max_connections(2);
    exposing.max_connections(1);
    start(server(echo));
    any_stream first = program();
    run_until([&] { return expose_log.has("opened 1"); });
    any_stream second = program();
    EXPECT_EQ(read_all(second).error, asio::error::connection_reset);
    EXPECT_TRUE(forward_log_.has("refused 2 5"));
    EXPECT_EQ(exchange(first, "first"), "first");
    run_until([&] { return expose_log.has("closed 1") && forward_log_.has("closed 1"); });
    any_stream third = program();
    EXPECT_EQ(exchange(third, "third"), "third");
}

TEST_F(port_forwarding, this_sides_limit_needs_no_question)
{
    forwarding.max_connections(1);
    start(server(echo));
    any_stream first = program();
    run_until([&] { return expose_log.has("opened 1"); });
    any_stream second = program();
    EXPECT_EQ(read_all(second).error, asio::error::connection_reset);
    EXPECT_TRUE(forward_log_.has("refused 0 5"));
}

TEST_F(port_forwarding, the_death_of_one_side_resets_everything_on_the_other)
{
    const forward_target target = holding_server();
    forwarding.listen(forward_rule{"127.0.0.1", 0, target});
    testing::fault_options fault;
    fault.failing_operation = 3; // after the reads of `open` and of what follows, and the write of `opened`
    pair.first = testing::make_fault_stream(std::move(pair.first), fault);
    start_expose();
    start_forward();
    run_until([&] { return !forward_log_.bound.empty(); });
    any_stream client = program();
    run_until([&] { return held.size() == 1 && forward_log_.has("opened 1"); });
    write(client, as_bytes("x"));
    run_to_the_end();
    EXPECT_EQ(expose_end->code, errc::peer_disconnected);
    EXPECT_EQ(forward_end->code, errc::peer_disconnected);
    EXPECT_EQ(forward_end->phase, session_phase::transferring);
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(read_all(held[0]).error, asio::error::connection_reset);
    EXPECT_EQ(expose_log.errors.at(1), errc::peer_disconnected);
    EXPECT_EQ(forward_log_.errors.at(1), errc::peer_disconnected);
    tcp::socket late{context};
    error_code error;
    late.connect(forward_log_.bound.at(0), error);
    EXPECT_EQ(error, asio::error::connection_refused) << "it does not listen any more";
}

TEST_F(port_forwarding, cancellation_closes_everything_and_ends_the_session_in_order)
{
    start(holding_server());
    any_stream client = program();
    run_until([&] { return held.size() == 1 && forward_log_.has("opened 1"); });
    cancel_forward.emit(asio::cancellation_type::terminal);
    run_to_the_end();
    EXPECT_EQ(forward_end->code, errc::cancelled);
    EXPECT_FALSE(expose_end->code) << expose_end->message();
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(read_all(held[0]).error, asio::error::connection_reset);
}

TEST_F(port_forwarding, a_second_cancellation_does_not_wait_for_the_other_side)
{
    forwarding.listen(forward_rule{"127.0.0.1", 0, {"a", 1}}).end_timeout(std::chrono::hours{1});
    start_forward();
    run_until([&] { return !forward_log_.bound.empty(); });
    for (int i = 0; i < 2; ++i) {
        context.poll();
        EXPECT_FALSE(forward_end);
        cancel_forward.emit(asio::cancellation_type::terminal);
    }
    run_until([&] { return forward_end.has_value(); });
    EXPECT_EQ(forward_end->code, errc::cancelled);
}

TEST_F(port_forwarding, is_cancelled_before_it_begins)
{
    exposing.end_timeout(duration::zero());
    start_expose();
    context.poll_one();
    cancel_expose.emit(asio::cancellation_type::terminal);
    run_until([&] { return expose_end.has_value(); });
    EXPECT_EQ(expose_end->code, errc::cancelled);
}

TEST_F(port_forwarding, an_address_in_use_is_told_before_anything_is_sent)
{
    tcp::acceptor taken{context.get_executor(), {loopback, 0}};
    forwarding.listen(forward_rule{"127.0.0.1", taken.local_endpoint().port(), {"a", 1}});
    start_forward();
    run_until([&] { return forward_end.has_value(); });
    EXPECT_EQ(forward_end->code, asio::error::address_in_use);
    EXPECT_EQ(forward_end->phase, session_phase::preparing);
    EXPECT_EQ(read_all(pair.first).text, "");
}

TEST_F(port_forwarding, listens_on_both_loopback_addresses)
{
    const forward_target target = server(echo);
    forwarding.listen(*forward_rule::parse("0:" + target.text()));
    start_expose();
    start_forward();
    run_until([&] { return !forward_log_.bound.empty(); });
    for (const tcp_endpoint& each : forward_log_.bound) {
        EXPECT_TRUE(each.address().is_loopback());
        EXPECT_EQ(each.port(), forward_log_.bound[0].port());
    }
    for (std::size_t i = 0; i < forward_log_.bound.size(); ++i) {
        any_stream client = program(i);
        EXPECT_EQ(exchange(client, "hello"), "hello");
    }
}

// The fixture again, for tests that need it more than once.
struct forwarding_world : port_forwarding {
    void TestBody() override {}
    // Runs one connection over a stream of which this operation fails.
    error_code end_with_failing(std::size_t operation)
    {
        testing::fault_options fault;
        fault.failing_operation = operation;
        pair.second = testing::make_fault_stream(std::move(pair.second), fault);
        start(server(echo));
        any_stream client = program();
        asio::co_spawn(
            context, [&]() -> awaitable<void> { co_await write_all(client, patterned(3'000'000)); },
            asio::detached);
        asio::co_spawn(context, [&]() -> awaitable<void> { co_await read_to_end(client); }, asio::detached);
        run_to_the_end();
        client.close();
        servers.clear();
        testing::drain(context);
        return forward_end->code;
    }
};

TEST(port_forwarding_failure, of_any_operation_of_the_stream_ends_both_sides)
{
    for (std::size_t operation = 0; operation < 12; ++operation) {
        SCOPED_TRACE(operation);
        EXPECT_EQ(forwarding_world{}.end_with_failing(operation), errc::peer_disconnected);
    }
}

} // namespace
} // namespace parley::test
