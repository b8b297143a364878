#include <unit/proto/server_bench.hpp>

namespace parley::test {
namespace {

static_assert(TimedMachine<server_machine>);

using bench = server_bench;

script<bench> whole_conversation()
{
    const auto alive = [](const bench& b) { return !b.machine.finished(); };
    return {
        {"start", [](bench&) {}, {"send 0000 hello_as_a_server"}},
        {"identity", [](bench& b) { b.identify(); }, {"identified s:1"}},
        {"a client of another password",
         [](bench& b) { b.greet(1, "wrong"); },
         {"send 0001 y_and_server_validator"}},
        {"the client", [](bench& b) { b.greet(2); }, {"send 0002 y_and_server_validator"}},
        {"the other one sees it",
         [](bench& b) {
             b.feed(uid{1}, packet::spoke_failure{spoke_failure_kind::invalid_client_validator});
         },
         {"rejected c:1: " + text_of(errc::invalid_client_validator)}},
        {"validator",
         [alive](bench& b) {
             if (alive(b)) b.prove(2);
         },
         {"send 0002 agreement"}},
        {"accepted", [](bench& b) { b.feed(uid{2}, packet::accepted{}); }, {"set by the test"}},
    };
}

TEST(server_machine, agrees_with_the_client_of_its_password)
{
    bench b;
    const auto steps = whole_conversation();
    play(b, steps, steps.size() - 1);
    EXPECT_FALSE(b.machine.finished());
    steps.back().act(b);
    EXPECT_EQ(b.take(), lines{"agreed s:1 c:2 " + b.key_text[2]});
    EXPECT_TRUE(b.machine.finished());
    EXPECT_FALSE(b.machine.error());
}

TEST(server_machine, every_step_can_fail)
{
    auto steps = whole_conversation();
    // A client can greet only after it has seen the hello.
    for (auto& s : steps)
        s.act = [act = s.act](bench& b) {
            b.drain();
            act(b);
        };
    fail_each_step<bench>(
        steps,
        {{"a second identity",
          [](bench& b) {
              b.identify();
              b.identify();
          },
          errc::unexpected_packet},
         {"a client's identity", [](bench& b) { b.feed(relay_uid, packet::client_identity{named("s:1")}); },
          errc::unexpected_packet},
         {"done", [](bench& b) { b.feed(relay_uid, packet::done{}); }, errc::unexpected_packet},
         {"new_server", [](bench& b) { b.feed(relay_uid, packet::new_server{uid{1}, {}, named("s:2")}); },
          errc::unexpected_packet},
         {"a server's packet", [](bench& b) { b.feed(uid{2}, packet::agreement{}); },
          errc::unexpected_packet},
         {"a bad letter in an identity", [](bench& b) { b.feed(as_bytes("000002a b")); },
          errc::identity_bad_character}});
}

TEST(server_machine, a_client_before_the_identity_is_the_relays_fault)
{
    bench b;
    b.drain();
    b.greet(1);
    EXPECT_EQ(b.machine.error(), errc::unexpected_packet);
}

TEST(server_machine, a_wrong_validator_is_answered_and_the_client_forgotten)
{
    bench b;
    b.identify();
    b.greet(1);
    auto made = b.finish(1);
    ASSERT_TRUE(made);
    made->client_validator[63] ^= 1;
    b.take();
    b.feed(uid{1}, packet::client_validator{made->client_validator});
    EXPECT_EQ(b.take(), (lines{"send 0001 spoke_failure 02",
                               "rejected c:1: " + text_of(errc::invalid_server_validator)}));
    made->client_validator[63] ^= 1;
    b.feed(uid{1}, packet::client_validator{made->client_validator});
    EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C 0001"}) << "one attempt a greeting";
}

TEST(server_machine, a_point_off_the_curve_is_answered)
{
    bench b;
    b.identify();
    b.take();
    point x{};
    x.fill(0xff);
    b.feed(uid{1}, packet::x_and_client_identity{x, named("c:1")});
    EXPECT_EQ(b.take(),
              (lines{"send 0001 spoke_failure 00", "rejected c:1: " + text_of(errc::point_not_on_subgroup)}));
    b.feed(uid{1}, packet::client_validator{});
    EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C 0001"});
}

// After each step, every packet that a client may have forwarded, from a stranger and from one with a wrong
// password.
TEST(server_machine, a_client_out_of_turn_harms_nobody)
{
    const auto steps = whole_conversation();
    for (std::size_t played = 2; played < steps.size(); ++played) {
        bench b;
        play(b, steps, played);
        b.greet(7, "guess");
        b.take();
        b.feed(uid{7}, packet::accepted{});
        EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C 0007"});
        b.feed(uid{7}, packet::client_validator{});
        EXPECT_EQ(b.take().size(), 2U);
        for (const std::uint16_t stranger : numbers{7, 9, 0xffff}) {
            const std::string complaint = "send 0000 relay_failure C " + hex4(uid{stranger});
            b.feed(uid{stranger}, packet::client_validator{});
            b.feed(uid{stranger}, packet::accepted{});
            EXPECT_EQ(b.take(), (lines{complaint, complaint}));
            b.feed(uid{stranger}, packet::refused{});
            b.feed(uid{stranger}, packet::spoke_failure{});
            b.feed(relay_uid, packet::closed{uid{stranger}});
            EXPECT_EQ(b.take(), lines{});
        }
        for (std::size_t i = played; i < steps.size(); ++i) {
            b.drain();
            steps[i].act(b);
        }
        EXPECT_EQ(b.take().back(), "agreed s:1 c:2 " + b.key_text[2]) << steps[played].name;
    }
}

TEST(server_machine, a_repeated_greeting_starts_over)
{
    bench b;
    b.identify();
    b.greet(1);
    const auto stale = b.finish(1);
    b.greet(1);
    b.take();
    ASSERT_TRUE(stale);
    b.prove(1);
    EXPECT_EQ(b.take(), lines{"send 0001 agreement"});
    b.feed(uid{1}, packet::client_validator{stale->client_validator});
    EXPECT_EQ(b.take(), lines{}) << "proven: a further validator changes nothing";
    b.greet(1);
    b.take();
    b.feed(uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C 0001"}) << "the new greeting is not proven";
    b.feed(uid{1}, packet::client_validator{stale->client_validator});
    EXPECT_EQ(b.take().front(), "send 0001 spoke_failure 02");
}

TEST(server_machine, refused_is_told_only_of_one_who_knows_the_password)
{
    bench b;
    b.identify();
    b.greet(1);
    b.prove(1);
    b.greet(2);
    b.take();
    b.feed(uid{1}, packet::refused{});
    EXPECT_EQ(b.take(), lines{"refused c:1"});
    b.feed(uid{2}, packet::refused{});
    b.feed(uid{1}, packet::refused{});
    EXPECT_EQ(b.take(), lines{});
    for (const std::uint16_t number : numbers{1, 2}) {
        b.feed(uid{number}, packet::accepted{});
        EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C " + hex4(uid{number})}) << "forgotten";
    }
}

TEST(server_machine, closed_and_a_late_failure_forget_without_a_word)
{
    bench b;
    b.identify();
    b.greet(1);
    b.greet(2);
    b.prove(2);
    b.greet(3);
    b.prove(3);
    b.take();
    b.feed(relay_uid, packet::closed{uid{1}});
    b.feed(relay_uid, packet::closed{uid{2}});
    b.feed(uid{3}, packet::spoke_failure{});
    EXPECT_EQ(b.take(), lines{});
    for (const std::uint16_t number : numbers{1, 2, 3}) {
        b.feed(uid{number}, packet::accepted{});
        EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C " + hex4(uid{number})});
    }
}

TEST(server_machine, the_oldest_unproven_client_goes_for_a_new_one)
{
    bench b{server_options{.max_clients = 3}};
    b.identify();
    for (const std::uint16_t number : numbers{1, 2, 3}) b.greet(number);
    b.prove(1);
    b.take();
    b.greet(4);
    EXPECT_EQ(b.take(), lines{"send 0004 y_and_server_validator"});
    b.feed(uid{2}, packet::client_validator{});
    EXPECT_EQ(b.take(), lines{"send 0000 relay_failure C 0002"}) << "2 was the oldest unproven";
    b.prove(3);
    b.prove(4);
    b.take();
    b.greet(5);
    EXPECT_EQ(b.take(), lines{}) << "all in hand know the password";
    b.greet(3);
    EXPECT_EQ(b.take(), lines{"send 0003 y_and_server_validator"}) << "its own place is its own";
    b.feed(uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"agreed s:1 c:1 " + b.key_text[1]});
}

TEST(server_machine, two_clients_of_one_password_and_the_first_to_accept)
{
    bench b;
    b.identify();
    for (const std::uint16_t number : numbers{1, 2}) {
        b.greet(number);
        b.prove(number);
    }
    b.take();
    EXPECT_NE(b.key_text[1], b.key_text[2]);
    b.feed(uid{2}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"agreed s:1 c:2 " + b.key_text[2]});
    b.feed(uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{});
}

TEST(server_machine, takes_one_packet_at_a_time_and_nothing_after_the_end)
{
    bench b;
    b.take();
    byte_vector both = bytes_of(relay_uid, packet::server_identity{named("s:1")});
    const std::size_t first = both.size();
    const byte_vector second = bytes_of(relay_uid, packet::timeout{});
    both.insert(both.end(), second.begin(), second.end());
    both.push_back('x');
    bytes_view input{both};
    b.machine.receive(input);
    EXPECT_EQ(input.size(), both.size() - first);
    b.machine.receive(input);
    EXPECT_EQ(b.machine.error(), errc::timed_out_by_relay);
    b.machine.receive(input);
    EXPECT_EQ(input.size(), 1U);
}

TEST(server_machine, output_survives_the_end_and_the_move)
{
    server_machine machine{spoke_server::create(as_bytes("right"), {}).value(),
                           server_bench::shared_random()};
    machine.stop(errc::cancelled);
    server_machine moved = std::move(machine);
    EXPECT_EQ(as_text(moved.output().first(6)), "000000");
    EXPECT_EQ(moved.output().size(), packet_header_bytes + public_bytes);
}

// --- every cell of the table in the header: a packet of client 1 in each of its states

enum class client_state { unknown, greeted, proven };

struct cell {
    const char* packet;
    std::function<void(bench&)> send;
    lines expected[3]; // by client_state
};

TEST(server_machine, does_in_every_state_of_a_client_what_the_table_says)
{
    const std::string wrong = "rejected c:1: " + text_of(errc::invalid_client_validator);
    const lines unknown{"send 0000 relay_failure C 0001"};
    const lines answered{"send 0001 y_and_server_validator"};
    const auto feed = [](auto body) { return [body](bench& b) { b.feed(uid{1}, body); }; };
    const cell cells[] = {
        {"x_and_client_identity", [](bench& b) { b.greet(1); }, {answered, answered, answered}},
        {"x_and_client_identity that is no point",
         feed(packet::x_and_client_identity{{}, bench::name(1)}),
         {{"send 0001 spoke_failure 00", "rejected c:1: " + text_of(errc::point_not_on_subgroup)},
          {"send 0001 spoke_failure 00", "rejected c:1: " + text_of(errc::point_not_on_subgroup)},
          {"send 0001 spoke_failure 00", "rejected c:1: " + text_of(errc::point_not_on_subgroup)}}},
        {"client_validator, right",
         [](bench& b) {
             if (b.clients.contains(1))
                 b.prove(1);
             else
                 b.feed(uid{1}, packet::client_validator{});
         },
         {unknown, {"send 0001 agreement"}, {}}},
        {"client_validator, wrong",
         feed(packet::client_validator{}),
         {unknown,
          {"send 0001 spoke_failure 02", "rejected c:1: " + text_of(errc::invalid_server_validator)},
          {}}},
        {"accepted", feed(packet::accepted{}), {unknown, unknown, {"agreed s:1 c:1 "}}},
        {"refused", feed(packet::refused{}), {{}, {}, {"refused c:1"}}},
        {"spoke_failure",
         feed(packet::spoke_failure{spoke_failure_kind::invalid_client_validator}),
         {{}, {wrong}, {}}},
        {"closed", [](bench& b) { b.feed(relay_uid, packet::closed{uid{1}}); }, {{}, {}, {}}},
    };
    for (const cell& c : cells)
        for (const client_state state :
             {client_state::unknown, client_state::greeted, client_state::proven}) {
            SCOPED_TRACE(std::string{c.packet} + " in state " + std::to_string(static_cast<int>(state)));
            bench b;
            b.identify();
            b.take();
            if (state != client_state::unknown) b.greet(1);
            b.take();
            if (state == client_state::proven) b.prove(1);
            b.take();
            c.send(b);
            lines expected = c.expected[static_cast<int>(state)];
            if (!expected.empty() && expected.back().starts_with("agreed")) expected.back() += b.key_text[1];
            EXPECT_EQ(b.take(), expected);
            const bool agreed = !expected.empty() && expected.back().starts_with("agreed");
            EXPECT_EQ(b.machine.finished(), agreed);
        }
}

} // namespace
} // namespace parley::test
