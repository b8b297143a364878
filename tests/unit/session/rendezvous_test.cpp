#include "meeting_world.hpp"

namespace parley::test {
namespace {

class rendezvous_test : public ::testing::Test, protected meeting_world {};

TEST_F(rendezvous_test, two_roles_meet)
{
    offer();
    join();
    w.settle();
    ASSERT_TRUE(server.succeeded()) << server.message();
    ASSERT_TRUE(client.succeeded()) << client.message();
    const agreement &ours = server.room().agreed, &theirs = client.room().agreed;
    EXPECT_EQ(ours.self, theirs.peer);
    EXPECT_EQ(ours.peer, theirs.self);
    EXPECT_TRUE(std::ranges::equal(ours.keys.k0.view(), theirs.keys.k0.view()));
    EXPECT_TRUE(std::ranges::equal(ours.keys.k1.view(), theirs.keys.k1.view()));
    EXPECT_FALSE(std::ranges::equal(ours.keys.k0.view(), ours.keys.k1.view()));
    EXPECT_EQ(pass(server.room().stream, client.room().stream, "there"), "there");
    EXPECT_EQ(pass(client.room().stream, server.room().stream, "and back"), "and back");
    using steps = std::vector<std::string>;
    EXPECT_EQ(server.log.phases, (steps{"connected", "identified", "waiting", "agreed", "entered_room"}));
    EXPECT_EQ(client.log.phases,
              (steps{"connected", "identified", "waiting", "asked", "agreed", "entered_room"}));
}

TEST_F(rendezvous_test, the_servers_parameters_are_agreed_on)
{
    public_parameters parameters;
    parameters.cipher0 = cipher::chacha20_poly1305;
    parameters.cipher1 = cipher::aes_256_gcm;
    offer("p", parameters);
    join();
    w.settle();
    ASSERT_TRUE(server.succeeded() && client.succeeded());
    for (const auto* keys : {&server.room().agreed.keys, &client.room().agreed.keys}) {
        EXPECT_EQ(keys->cipher0, cipher::chacha20_poly1305);
        EXPECT_EQ(keys->cipher1, cipher::aes_256_gcm);
    }
}

TEST_F(rendezvous_test, impossible_parameters_reach_no_relay)
{
    public_parameters parameters;
    parameters.iterations = 0;
    offer("p", parameters);
    w.settle();
    EXPECT_EQ(server.error(), errc::invalid_public_packet);
    EXPECT_EQ(server.phase(), session_phase::preparing);
    EXPECT_TRUE(server.log.phases.empty());
    join();
    cancel_what_waits();
}

TEST_F(rendezvous_test, another_password_is_told_and_the_wait_goes_on)
{
    offer("p");
    join("another");
    w.settle();
    EXPECT_FALSE(server.done() || client.done());
    EXPECT_EQ(server.log.rejections.size(), 1u);
    EXPECT_EQ(client.log.rejections.size(), 1u);
    cancel_what_waits();
}

// A connection that was made before is the one of the handshake.
TEST_F(rendezvous_test, may_be_connected_before)
{
    std::optional<tcp_endpoint> reached{tcp_endpoint{}};
    std::vector<connect_step> told;
    start(server, "10.0.0.1", [&](rendezvous& meeting) -> awaitable<operation_result<entered_room>> {
        const auto on_step = [&told](const connect_step_report& report) { told.push_back(report.step); };
        const auto failed = co_await meeting.connect(std::nullopt, on_step);
        EXPECT_FALSE(failed.code);
        reached = meeting.reached();
        secret_bytes password{std::string_view{"p"}};
        const public_parameters parameters;
        auto entered = co_await meeting.offer(std::move(password), parameters);
        co_return std::move(entered);
    });
    join();
    w.settle();
    EXPECT_TRUE(server.succeeded() && client.succeeded());
    EXPECT_FALSE(reached) << "memory has no addresses";
    EXPECT_EQ(std::ranges::count(server.log.phases, "connected"), 1);
}

// What the other peer has sent right behind the relay's answer is the first that the room gives.
TEST_F(rendezvous_test, bytes_behind_the_answer_are_read_from_the_room)
{
    std::optional<raw_peer> relay_side;
    w.wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind != stream_kind::room || host != "10.0.0.2") return stream;
        auto pair = make_memory_stream_pair(w.context.get_executor(), 1000);
        relay_side.emplace(std::move(pair.second));
        relay_side->write("00hel");
        return std::move(pair.first);
    };
    offer();
    join();
    w.settle();
    ASSERT_TRUE(client.succeeded()) << client.message();
    EXPECT_EQ(pass(relay_side->stream, client.room().stream, "lo"), "he");
    cancel_what_waits();
}

TEST_F(rendezvous_test, the_server_ends_its_room_in_order)
{
    offer();
    join();
    w.settle();
    ASSERT_TRUE(server.succeeded() && client.succeeded());
    server.result.reset();
    raw_peer other{std::move(client.room().stream)};
    other.start_reading();
    w.settle();
    EXPECT_EQ(other.ended, asio::error::eof);
}

TEST_F(rendezvous_test, the_client_resets_its_room)
{
    offer();
    join();
    w.settle();
    ASSERT_TRUE(server.succeeded() && client.succeeded());
    client.result.reset();
    raw_peer other{std::move(server.room().stream)};
    other.start_reading();
    w.settle();
    EXPECT_EQ(other.ended, asio::error::connection_reset);
}

TEST_F(rendezvous_test, a_no_may_end_it)
{
    client.log.on_question = [](identity) -> awaitable<bool> { co_return false; };
    offer();
    join("p", true);
    w.settle();
    EXPECT_EQ(client.error(), errc::refused_by_user);
    EXPECT_EQ(client.phase(), session_phase::handshake);
    EXPECT_TRUE(client.message().starts_with("receiving: ")) << client.message();
    EXPECT_EQ(server.log.refusals, 1);
    EXPECT_FALSE(server.done());
    cancel_what_waits();
}

// A server that asks for as much work as it may, and does nothing more.
packet_variant costly_hello()
{
    public_parameters parameters;
    parameters.iterations = default_max_iterations;
    return packet::hello_as_a_server{format_public(parameters)};
}

// The loop goes on while a derivation is under way elsewhere, as it does here until `elsewhere` runs.
TEST_F(rendezvous_test, derives_where_it_may_block)
{
    asio::io_context elsewhere;
    client.options.blocking(elsewhere.get_executor());
    offer();
    join();
    w.settle();
    EXPECT_FALSE(server.done() || client.done());
    bool timer_fired = false;
    asio::steady_timer timer{w.context, time_point{}};
    timer.async_wait([&](error_code) { timer_fired = true; });
    w.settle();
    EXPECT_TRUE(timer_fired);
    EXPECT_GT(elsewhere.poll(), 0U);
    w.settle();
    EXPECT_TRUE(server.succeeded() && client.succeeded());
}

TEST_F(rendezvous_test, does_not_wait_for_a_derivation_when_it_is_cancelled)
{
    asio::io_context elsewhere;
    client.options.blocking(elsewhere.get_executor());
    raw_peer costly{w.connect_raw(stream_kind::handshake)};
    costly.write(relay_uid, costly_hello());
    w.settle();
    join();
    w.settle();
    client.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
    EXPECT_EQ(client.error(), errc::cancelled);
    elsewhere.poll(); // what is left there finds nothing to do
    w.settle();
    offer();
    cancel_what_waits();
}

// With a thread of its own: a derivation that would take an hour does not hold up the end.
TEST_F(rendezvous_test, a_derivation_under_way_does_not_hold_up_the_end)
{
    raw_peer costly{w.connect_raw(stream_kind::handshake)};
    public_parameters parameters;
    parameters.iterations = 1'000'000'000;
    costly.write(relay_uid, packet::hello_as_a_server{format_public(parameters)});
    w.settle();
    client_options limits;
    limits.max_iterations = parameters.iterations;
    start_as_it_is(client, "10.0.0.2",
                   [limits](rendezvous& meeting) { return meeting.join(secret_bytes{"p"}, limits, false); });
    for (int turn = 0; turn < 100; ++turn) w.settle();
    EXPECT_TRUE(client.log.saw("waiting"));
    client.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
    EXPECT_EQ(client.error(), errc::cancelled);
    offer();
    cancel_what_waits();
}

TEST_F(rendezvous_test, ends_when_too_many_have_another_password)
{
    client.options.max_guesses(1);
    join("another");
    offer("p");
    w.settle();
    EXPECT_FALSE(client.done());
    meeting_peer second;
    start(second, "10.0.0.3", [](rendezvous& meeting) { return meeting.offer(secret_bytes{"p"}, {}); });
    w.settle();
    EXPECT_EQ(client.error(), errc::too_many_guesses);
    EXPECT_EQ(client.phase(), session_phase::handshake);
    EXPECT_EQ(client.log.rejections.size(), 2U);
    second.cancel.emit(asio::cancellation_type::terminal);
    cancel_what_waits();
}

TEST_F(rendezvous_test, a_room_without_the_other_has_a_time)
{
    w.wrap = [](any_stream stream, stream_kind kind, const std::string& host) {
        if (kind == stream_kind::room && host == "10.0.0.2") stream.close();
        return stream;
    };
    server.options.entry_timeout(std::chrono::milliseconds{20});
    offer();
    join();
    ASSERT_TRUE(w.run_until([&] { return server.done() && client.done(); }));
    EXPECT_EQ(client.phase(), session_phase::entering);
    EXPECT_EQ(server.error(), errc::timed_out);
    EXPECT_EQ(server.phase(), session_phase::entering);
}

struct fault_place {
    const char* name;
    bool at_relay;
    stream_kind kind;
    const char* host;
};

// Every stream, at either of its ends, fails at each of its operations in turn.
class every_step_of_a_meeting_fails : public ::testing::TestWithParam<fault_place> {};

INSTANTIATE_TEST_SUITE_P(
    streams, every_step_of_a_meeting_fails,
    ::testing::Values(fault_place{"server_handshake", false, stream_kind::handshake, "10.0.0.1"},
                      fault_place{"server_room", false, stream_kind::room, "10.0.0.1"},
                      fault_place{"client_handshake", false, stream_kind::handshake, "10.0.0.2"},
                      fault_place{"client_room", false, stream_kind::room, "10.0.0.2"},
                      fault_place{"relay_to_server", true, stream_kind::handshake, "10.0.0.1"},
                      fault_place{"relay_to_client", true, stream_kind::handshake, "10.0.0.2"},
                      fault_place{"relay_room_server", true, stream_kind::room, "10.0.0.1"},
                      fault_place{"relay_room_client", true, stream_kind::room, "10.0.0.2"}),
    [](const auto& shown) { return std::string{shown.param.name}; });

TEST_P(every_step_of_a_meeting_fails, and_leaves_nothing)
{
    const fault_place& fault = GetParam();
    std::size_t failures = 0, steps = 0;
    for (std::size_t failing = 0;; ++failing) {
        SCOPED_TRACE("operation " + std::to_string(failing));
        std::size_t operations = 0;
        meeting_world m;
        auto& wrap = fault.at_relay ? m.w.wrap_relay_side : m.w.wrap;
        wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
            if (kind != fault.kind || host != fault.host) return stream;
            testing::fault_options options;
            options.failing_operation = failing;
            return testing::make_fault_stream(std::move(stream), options, &operations);
        };
        m.offer();
        m.join();
        m.cancel_what_waits();
        for (meeting_peer* peer : {&m.server, &m.client}) {
            if (peer->succeeded()) continue;
            ++failures;
            EXPECT_TRUE(peer->error());
            EXPECT_FALSE(peer->message().empty());
            EXPECT_TRUE(peer->phase() == session_phase::handshake ||
                        peer->phase() == session_phase::entering);
            EXPECT_FALSE(peer->log.saw("entered_room"));
        }
        if (operations > failing && !fault.at_relay) { // each operation of its own counts
            EXPECT_FALSE((fault.host == std::string_view{"10.0.0.1"} ? m.server : m.client).succeeded());
        }
        if (operations <= failing) { // nothing has failed this time
            EXPECT_TRUE(m.server.succeeded()) << m.server.message();
            EXPECT_TRUE(m.client.succeeded()) << m.client.message();
        }
        m.expect_no_connection();
        steps = failing;
        if (operations <= failing) break;
    }
    EXPECT_GT(steps, 1u);
    EXPECT_GT(failures, 0u);
}

struct cancel_moment {
    bool at_server;
    const char* phase;
};

// The user gives up as one peer reaches each phase.
class cancelled_in_each_phase : public ::testing::TestWithParam<cancel_moment> {};

INSTANTIATE_TEST_SUITE_P(phases, cancelled_in_each_phase,
                         ::testing::Values(cancel_moment{true, "connected"},
                                           cancel_moment{true, "identified"}, cancel_moment{true, "waiting"},
                                           cancel_moment{true, "agreed"}, cancel_moment{false, "connected"},
                                           cancel_moment{false, "identified"},
                                           cancel_moment{false, "waiting"}, cancel_moment{false, "asked"},
                                           cancel_moment{false, "agreed"}),
                         [](const auto& shown) {
                             return std::string{shown.param.at_server ? "server_" : "client_"} +
                                    shown.param.phase;
                         });

TEST_P(cancelled_in_each_phase, leaves_nothing)
{
    for (const bool at_once : {true, false}) {
        SCOPED_TRACE(at_once ? "at once" : "in the next turn");
        meeting_world m;
        meeting_peer& one = GetParam().at_server ? m.server : m.client;
        meeting_peer& other = GetParam().at_server ? m.client : m.server;
        bool sent = false;
        one.log.on_phase = [&](const std::string& phase) {
            if (phase != GetParam().phase || std::exchange(sent, true)) return;
            if (at_once)
                one.cancel.emit(asio::cancellation_type::terminal);
            else
                asio::post(m.w.context, [&] { one.cancel.emit(asio::cancellation_type::terminal); });
        };
        m.offer();
        m.join();
        m.w.settle();
        EXPECT_TRUE(sent);
        ASSERT_TRUE(one.done());
        EXPECT_EQ(one.error(), errc::cancelled);
        if (other.succeeded()) { // both were in the room already: it learns of the end there
            raw_peer left{std::move(other.room().stream)};
            left.start_reading();
            m.w.settle();
            EXPECT_TRUE(left.ended);
        }
        m.cancel_what_waits();
        m.expect_no_connection();
    }
}

} // namespace
} // namespace parley::test
