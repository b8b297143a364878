#include <unit/proto/client_bench.hpp>

#include <algorithm>

namespace parley::test {
namespace {

static_assert(TimedMachine<client_machine>);

using bench = client_bench;

packet_variant closed(std::uint16_t gone)
{
    return packet::closed{uid{gone}};
}

void reach_offer(bench& b, std::uint16_t number)
{
    b.announce(number);
    b.answer(number);
    b.confirm(number);
    b.take();
}

script<bench> whole_conversation()
{
    return {
        {"start", [](bench&) {}, {"send 0000 hello_as_a_client"}},
        {"identity", [](bench& b) { b.identify(); }, {"identified c:1"}},
        {"another password's server",
         [](bench& b) { b.announce(1, "wrong"); },
         {"send 0001 x_and_client_identity"}},
        {"the server", [](bench& b) { b.announce(2); }, {"send 0002 x_and_client_identity"}},
        {"wrong validator",
         [](bench& b) {
             if (!b.machine.finished()) b.answer(1);
         },
         {"send 0001 spoke_failure 01", "rejected s:1: " + text_of(errc::invalid_client_validator)}},
        {"right validator",
         [](bench& b) {
             if (!b.machine.finished()) b.answer(2);
         },
         {"send 0002 client_validator"}},
        {"agreement",
         [](bench& b) {
             if (!b.machine.finished()) b.confirm(2);
         },
         {"offered 0002 s:2"}},
        {"the user accepts", [](bench& b) { b.machine.accept(uid{2}); }, {"send 0002 accepted"}},
        {"done", [](bench& b) { b.feed(relay_uid, packet::done{}); }, {"set by the test"}},
    };
}

TEST(client_machine, agrees_with_the_server_of_its_password)
{
    bench b;
    const auto steps = whole_conversation();
    play(b, steps, steps.size() - 1);
    EXPECT_FALSE(b.machine.finished());
    steps.back().act(b);
    EXPECT_EQ(b.take(), (lines{"agreed c:1 s:2 " + b.key_text[2]}));
    EXPECT_TRUE(b.machine.finished());
    EXPECT_FALSE(b.machine.error());
}

TEST(client_machine, every_step_can_fail)
{
    fail_each_step<bench>(
        whole_conversation(),
        {{"a second identity",
          [](bench& b) {
              b.identify();
              b.identify();
          },
          errc::unexpected_packet},
         {"a server's identity", [](bench& b) { b.feed(relay_uid, packet::server_identity{named("c:1")}); },
          errc::unexpected_packet},
         {"server 0 is announced", [](bench& b) { b.announce(0); }, errc::unexpected_packet},
         {"a client's packet", [](bench& b) { b.feed(uid{2}, packet::accepted{}); }, errc::unexpected_packet},
         {"an unterminated identity", [](bench& b) { b.feed(as_bytes("000003" + std::string(54, 'a'))); },
          errc::identity_unterminated}});
}

TEST(client_machine, done_counts_only_after_accepted)
{
    const auto steps = whole_conversation();
    for (std::size_t played = 1; played + 2 < steps.size(); ++played) {
        bench b;
        play(b, steps, played);
        b.feed(relay_uid, packet::done{});
        EXPECT_EQ(b.machine.error(), errc::unexpected_packet) << steps[played].name;
    }
}

TEST(client_machine, new_server_before_the_identity_is_the_relays_fault)
{
    bench b;
    b.announce(1);
    EXPECT_EQ(b.machine.error(), errc::unexpected_packet);
}

// Packets of a server at a wrong time, or before it is known: after each step, every such packet.
TEST(client_machine, a_server_out_of_turn_harms_nobody)
{
    const auto steps = whole_conversation();
    for (std::size_t played = 2; played < steps.size(); ++played) {
        bench b;
        play(b, steps, played);
        for (const std::uint16_t stranger : numbers{1, 3, 0xffff}) {
            if (stranger == 1 && played < 5) continue; // greeted: its words are heard
            b.feed(uid{stranger}, packet::y_and_server_validator{});
            b.feed(uid{stranger}, packet::agreement{});
            b.feed(uid{stranger}, packet::spoke_failure{});
            b.feed(relay_uid, closed(stranger));
            EXPECT_FALSE(b.machine.accept(uid{stranger}));
            EXPECT_FALSE(b.machine.refuse(uid{stranger}));
        }
        EXPECT_EQ(b.take(), lines{});
        for (std::size_t i = played; i < steps.size(); ++i) steps[i].act(b);
        EXPECT_EQ(b.take().back(), "agreed c:1 s:2 " + b.key_text[2]) << steps[played].name;
    }
}

TEST(client_machine, a_server_that_repeats_itself_changes_nothing)
{
    bench b;
    b.identify();
    b.announce(2);
    b.answer(2);
    b.take();
    b.feed(uid{2}, packet::y_and_server_validator{b.sessions[2].y(), b.sessions[2].server_validator()});
    EXPECT_EQ(b.take(), lines{});
    b.confirm(2);
    b.feed(uid{2}, packet::agreement{});
    b.feed(uid{2}, packet::y_and_server_validator{});
    EXPECT_EQ(b.take(), lines{"offered 0002 s:2"});
}

TEST(client_machine, agreement_without_proof_is_no_offer)
{
    bench b;
    b.identify();
    b.announce(2);
    b.take();
    b.feed(uid{2}, packet::agreement{});
    EXPECT_EQ(b.take(), lines{});
    EXPECT_FALSE(b.machine.accept(uid{2}));
}

TEST(client_machine, a_point_off_the_curve_is_answered)
{
    bench b;
    b.identify();
    b.announce(2);
    b.take();
    point y{};
    y.fill(0xff);
    b.feed(uid{2}, packet::y_and_server_validator{y, {}});
    EXPECT_EQ(b.take(),
              (lines{"send 0002 spoke_failure 00", "rejected s:2: " + text_of(errc::point_not_on_subgroup)}));
    b.feed(uid{2}, packet::agreement{});
    EXPECT_EQ(b.take(), lines{});
}

TEST(client_machine, a_bad_public_value_is_answered_and_waiting_goes_on)
{
    bench b{client_options{.max_iterations = 16}};
    b.identify();
    b.take();
    b.feed(relay_uid, packet::new_server{uid{1}, {}, named("bad:1")});
    const lines refused{"send 0001 spoke_failure 03",
                        "rejected bad:1: " + text_of(errc::invalid_public_packet)};
    EXPECT_EQ(b.take(), refused);
    public_parameters costly;
    costly.iterations = 17;
    b.feed(relay_uid, packet::new_server{uid{1}, format_public(costly), named("bad:1")});
    EXPECT_EQ(b.take(), refused);
    b.announce(2);
    EXPECT_EQ(b.take(), lines{"send 0002 x_and_client_identity"});
}

TEST(client_machine, refused_by_the_user_and_the_next_one_accepted)
{
    bench b;
    b.identify();
    reach_offer(b, 1);
    EXPECT_TRUE(b.machine.refuse(uid{1}));
    EXPECT_EQ(b.take(), lines{"send 0001 refused"});
    EXPECT_FALSE(b.machine.refuse(uid{1}));
    EXPECT_FALSE(b.machine.accept(uid{1}));
    reach_offer(b, 2);
    EXPECT_TRUE(b.machine.accept(uid{2}));
    b.feed(relay_uid, packet::done{});
    EXPECT_EQ(b.take(), (lines{"send 0002 accepted", "agreed c:1 s:2 " + b.key_text[2]}));
}

TEST(client_machine, keys_are_kept_for_each_server_until_one_is_accepted)
{
    bench b;
    b.identify();
    for (const std::uint16_t number : numbers{1, 2, 3}) reach_offer(b, number);
    EXPECT_TRUE(b.machine.accept(uid{2}));
    EXPECT_FALSE(b.machine.accept(uid{1})) << "one at a time";
    EXPECT_FALSE(b.machine.refuse(uid{2})) << "said is said";
    EXPECT_EQ(b.take(), lines{"send 0002 accepted"});
    // Meanwhile the accepted server has chosen another client.
    b.feed(relay_uid, closed(2));
    EXPECT_EQ(b.take(), lines{"gone 0002 s:2"});
    EXPECT_TRUE(b.machine.accept(uid{3}));
    b.feed(relay_uid, packet::done{});
    EXPECT_EQ(b.take(), (lines{"send 0003 accepted", "agreed c:1 s:3 " + b.key_text[3]}));
    EXPECT_FALSE(b.machine.accept(uid{1}));
    EXPECT_FALSE(b.machine.refuse(uid{1}));
}

TEST(client_machine, an_offer_is_withdrawn_by_its_server)
{
    for (const bool left : {false, true}) {
        bench b;
        b.identify();
        reach_offer(b, 1);
        if (left)
            b.feed(relay_uid, closed(1));
        else
            b.feed(uid{1}, packet::spoke_failure{spoke_failure_kind::invalid_server_validator});
        EXPECT_EQ(b.take(), lines{"gone 0001 s:1"});
        EXPECT_FALSE(b.machine.accept(uid{1}));
        EXPECT_FALSE(b.machine.finished());
    }
}

TEST(client_machine, a_failure_that_crosses_accepted_does_not_lose_the_keys)
{
    bench b;
    b.identify();
    reach_offer(b, 1);
    b.machine.accept(uid{1});
    b.take();
    b.feed(uid{1}, packet::spoke_failure{});
    EXPECT_EQ(b.take(), lines{});
    b.feed(relay_uid, packet::done{});
    EXPECT_EQ(b.take(), lines{"agreed c:1 s:1 " + b.key_text[1]});
}

TEST(client_machine, a_server_that_leaves_before_its_offer_is_forgotten_without_a_word)
{
    for (const bool proven : {false, true}) {
        bench b;
        b.identify();
        b.announce(1);
        if (proven) b.answer(1);
        b.take();
        b.feed(relay_uid, closed(1));
        b.feed(uid{1}, packet::agreement{});
        EXPECT_EQ(b.take(), lines{});
    }
}

TEST(client_machine, a_number_announced_again_is_another_server)
{
    bench b;
    b.identify();
    reach_offer(b, 1);
    b.announce(1);
    EXPECT_EQ(b.take(), (lines{"gone 0001 s:1", "send 0001 x_and_client_identity"}));
    b.answer(1);
    b.confirm(1);
    EXPECT_EQ(b.take(), (lines{"send 0001 client_validator", "offered 0001 s:1"}));
}

TEST(client_machine, servers_past_the_bound_wait)
{
    bench b{client_options{.max_servers = 2}};
    b.identify();
    b.take();
    for (const std::uint16_t number : numbers{1, 2, 3}) b.announce(number);
    EXPECT_EQ(b.take(), (lines{"send 0001 x_and_client_identity", "send 0002 x_and_client_identity"}));
    b.feed(relay_uid, closed(1));
    b.derive();
    EXPECT_EQ(b.take(), lines{"send 0003 x_and_client_identity"});
}

TEST(client_machine, speaks_to_its_only_server_and_to_nobody_else)
{
    bench b{client_options{.only_server = named("s:2")}};
    b.identify();
    b.take();
    for (const std::uint16_t number : numbers{1, 2, 3}) b.announce(number);
    EXPECT_EQ(b.take(), lines{"send 0002 x_and_client_identity"});
}

TEST(client_machine, takes_one_packet_at_a_time_and_nothing_after_the_end)
{
    bench b;
    b.take();
    byte_vector both = bytes_of(relay_uid, packet::client_identity{named("c:1")});
    const std::size_t first = both.size();
    const byte_vector second = bytes_of(relay_uid, packet::timeout{});
    both.insert(both.end(), second.begin(), second.end());
    both.push_back('x');
    bytes_view input{both};
    b.machine.receive(input);
    EXPECT_EQ(input.size(), both.size() - first);
    EXPECT_FALSE(b.machine.finished());
    b.machine.receive(input);
    EXPECT_EQ(b.machine.error(), errc::timed_out_by_relay);
    b.machine.receive(input);
    EXPECT_EQ(input.size(), 1U);
}

TEST(client_machine, output_may_be_taken_in_pieces_and_survives_the_end)
{
    client_machine machine{secret_bytes{"right"}, client_bench::random_of(9)};
    machine.consume_output(2);
    EXPECT_EQ(as_text(machine.output()), "0001");
    machine.stop(errc::cancelled);
    client_machine moved = std::move(machine);
    EXPECT_EQ(as_text(moved.output()), "0001");
    moved.consume_output(100);
    EXPECT_TRUE(moved.output().empty());
}

// --- every cell of the table in the header: a packet about server 1 in each of its states

enum class server_state { unknown, announced, greeted, proven, offered, accepted };

void bring_to(bench& b, server_state wanted)
{
    b.identify();
    if (wanted >= server_state::announced) b.announce_alone(1);
    if (wanted >= server_state::greeted) b.derive();
    if (wanted >= server_state::proven) b.answer(1);
    if (wanted >= server_state::offered) b.confirm(1);
    if (wanted >= server_state::accepted) b.machine.accept(uid{1});
    b.take();
}

struct cell {
    const char* packet;
    std::function<void(bench&)> send;
    lines expected[6]; // by server_state
};

TEST(client_machine, does_in_every_state_of_a_server_what_the_table_says)
{
    const lines none, gone{"gone 0001 s:1"}, fails{"fails"}, greets{"send 0001 x_and_client_identity"};
    const auto feed = [](auto body) { return [body](bench& b) { b.feed(uid{1}, body); }; };
    const cell cells[] = {
        {"(derived)", [](bench& b) { b.derive(); }, {none, greets, none, none, none, none}},
        {"y_and_server_validator, right",
         [](bench& b) {
             const bool greeted = std::ranges::any_of(b.sent, [](const message& m) {
                 return std::holds_alternative<packet::x_and_client_identity>(m.body);
             });
             if (greeted)
                 b.answer(1);
             else
                 b.feed(uid{1}, packet::y_and_server_validator{});
         },
         {none, none, {"send 0001 client_validator"}, none, none, none}},
        {"agreement", feed(packet::agreement{}), {none, none, none, {"offered 0001 s:1"}, none, none}},
        {"(accept)",
         [](bench& b) { b.machine.accept(uid{1}); },
         {none, none, none, none, {"send 0001 accepted"}, none}},
        {"(refuse)",
         [](bench& b) { b.machine.refuse(uid{1}); },
         {none, none, none, none, {"send 0001 refused"}, none}},
        {"done",
         [](bench& b) { b.feed(relay_uid, packet::done{}); },
         {fails, fails, fails, fails, fails, {"agreed c:1 s:1 "}}},
        {"spoke_failure",
         feed(packet::spoke_failure{spoke_failure_kind::invalid_server_validator}),
         {none, none, none, none, gone, none}},
        {"closed", [](bench& b) { b.feed(relay_uid, closed(1)); }, {none, none, none, none, gone, gone}},
        {"(10 s, and derived)",
         [](bench& b) { b.pass(std::chrono::seconds{10}); },
         {none, greets, {greets[0], "repeated"}, none, none, none}},
    };
    for (const cell& c : cells)
        for (int state = 0; state < 6; ++state) {
            SCOPED_TRACE(std::string{c.packet} + " in state " + std::to_string(state));
            bench b;
            bring_to(b, server_state{state});
            c.send(b);
            lines expected = c.expected[state];
            if (expected == fails) {
                EXPECT_EQ(b.take(), none);
                EXPECT_EQ(b.machine.error(), errc::unexpected_packet);
                continue;
            }
            const bool agreed = !expected.empty() && expected.back().starts_with("agreed");
            if (agreed) expected.back() += b.key_text[1];
            EXPECT_EQ(b.take(), expected);
            EXPECT_EQ(b.machine.finished(), agreed);
            EXPECT_FALSE(b.machine.error());
        }
}

} // namespace
} // namespace parley::test
