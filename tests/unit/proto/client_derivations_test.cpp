// When a client derives keys, for whom, and how it copes with servers that do not answer or guess.
#include <unit/proto/client_bench.hpp>

#include <algorithm>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t usual_cost = 216; // 16 iterations and the multiplications
const std::string repeated = "repeated";

std::string greets(std::uint16_t number)
{
    return "send " + hex4(uid{number}) + " x_and_client_identity";
}

std::size_t count(const lines& all, const std::string& wanted)
{
    return static_cast<std::size_t>(std::ranges::count(all, wanted));
}

client_bench waiting_client(client_options options = {})
{
    client_bench b{options};
    b.identify();
    b.take();
    return b;
}

TEST(client_derivations, are_jobs_of_the_owner_one_at_a_time)
{
    auto b = waiting_client();
    b.announce_alone(1);
    b.announce_alone(2);
    EXPECT_EQ(b.take(), lines{}) << "nothing is derived inside";
    auto job = b.machine.next_derivation();
    ASSERT_TRUE(job);
    EXPECT_FALSE(b.machine.next_derivation()) << "one is out";
    EXPECT_FALSE(job->run(15)) << "16 are due";
    EXPECT_TRUE(job->run(1));
    b.machine.derived(std::move(*job));
    EXPECT_EQ(b.take(), lines{greets(1)});
    EXPECT_TRUE(b.derive_one());
    EXPECT_EQ(b.take(), lines{greets(2)});
    EXPECT_FALSE(b.derive_one());
}

TEST(client_derivations, are_announced_to_the_owner)
{
    client_machine machine{secret_bytes{"right"}, client_bench::random_of(2)};
    const auto due = [&] {
        bool out = false;
        while (const auto event = machine.next_event())
            out = out || std::holds_alternative<client_event::derivation_due>(*event);
        return out;
    };
    const auto feed = [&](const packet_variant& body) {
        const byte_vector bytes = bytes_of(relay_uid, body);
        bytes_view input{bytes};
        machine.receive(input);
    };
    feed(packet::client_identity{named("c:1")});
    EXPECT_FALSE(due());
    feed(packet::new_server{uid{1}, format_public({}), named("s:1")});
    EXPECT_TRUE(due());
    feed(packet::new_server{uid{2}, format_public({}), named("s:2")});
    EXPECT_FALSE(due()) << "told already";
    auto job = machine.next_derivation();
    ASSERT_TRUE(job);
    feed(packet::new_server{uid{3}, format_public({}), named("s:3")});
    EXPECT_FALSE(due()) << "one is out";
    machine.derived(std::move(*job));
    EXPECT_TRUE(due());
    feed(packet::closed{uid{2}});
    feed(packet::closed{uid{3}});
    EXPECT_FALSE(machine.next_derivation()) << "they have left";
}

TEST(client_derivations, may_outlive_their_server_and_their_machine)
{
    auto b = waiting_client();
    b.announce_alone(1);
    auto job = b.machine.next_derivation();
    ASSERT_TRUE(job);
    b.feed(relay_uid, packet::closed{uid{1}});
    b.announce_alone(1);
    b.machine.derived(std::move(*job));
    EXPECT_EQ(b.take(), lines{}) << "it was for the one that has left";
    EXPECT_TRUE(b.derive_one());
    EXPECT_EQ(b.take(), lines{greets(1)});

    std::optional<client_derivation> left;
    {
        auto other = waiting_client();
        other.announce_alone(1);
        left = other.machine.next_derivation();
    }
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->run(100));
}

TEST(client_derivations, a_hundred_costly_ones_delay_a_cheap_one_by_one_at_most)
{
    auto b = waiting_client();
    for (std::uint16_t number = 100; number < 200; ++number) b.announce_costly(number, 4096);
    auto job = b.machine.next_derivation();
    ASSERT_TRUE(job);
    b.announce_alone(1);
    b.machine.derived(std::move(*job));
    EXPECT_EQ(b.take(), lines{greets(100)});
    EXPECT_TRUE(b.derive_one());
    EXPECT_EQ(b.take(), lines{greets(1)});
    b.answer(1);
    b.confirm(1);
    EXPECT_EQ(b.take(), (lines{"send 0001 client_validator", "offered 0001 s:1"}));
}

TEST(client_derivations, the_cheapest_goes_first_and_of_equal_ones_the_oldest)
{
    auto b = waiting_client();
    b.announce_costly(1, 40);
    b.announce_costly(2, 16);
    b.announce_costly(3, 1); // no advantage over those that ask for as much as all do
    b.announce_costly(4, 17);
    b.derive();
    EXPECT_EQ(b.take(), (lines{greets(2), greets(3), greets(4), greets(1)}));
}

// A relay announces them in this order; `expected` is the order of the first derivations.
TEST(client_derivations, networks_take_turns)
{
    auto b = waiting_client();
    std::uint16_t number = 0;
    const auto announce = [&](const std::string& who) {
        b.feed(relay_uid, packet::new_server{uid{++number}, format_public({}),
                                             named(who + ":" + std::to_string(number))});
    };
    for (int i = 0; i < 3; ++i) announce("192.0.2.1");
    for (int i = 0; i < 3; ++i) announce("[2001:db8::" + std::to_string(i + 1) + "]");
    announce("198.51.100.7");
    announce("[2001:db8:0:1::1]");
    for (const std::uint16_t first : numbers{1, 4, 7, 8, 2}) {
        EXPECT_TRUE(b.derive_one());
        EXPECT_EQ(b.take(), lines{greets(first)});
    }
    announce("203.0.113.9"); // waits for those that are in the round, not for all
    announce("192.0.2.1");
    for (const std::uint16_t next : numbers{5, 3, 6, 9, 10}) {
        EXPECT_TRUE(b.derive_one());
        EXPECT_EQ(b.take(), lines{greets(next)});
    }
    EXPECT_FALSE(b.derive_one());
}

TEST(client_derivations, are_paid_from_a_budget)
{
    client_options options;
    options.max_iterations = 16;
    options.iterations_a_minute = 20 * usual_cost;
    auto b = waiting_client(options);
    for (std::uint16_t number = 1; number <= 22; ++number) b.announce(number);
    EXPECT_EQ(b.take().size(), 20U);
    EXPECT_EQ(b.machine.next_deadline(), b.now + 3s);
    b.pass(2s);
    EXPECT_EQ(b.take(), lines{});
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{greets(21)});
    b.pass(3s);
    EXPECT_EQ(b.take(), lines{greets(22)});
    EXPECT_EQ(b.machine.next_deadline(), b.now + 4s) << "the first have been silent for ten seconds then";
}

TEST(client_derivations, a_cheap_one_can_be_paid_when_a_costly_one_cannot)
{
    client_options options;
    options.iterations_a_minute = 2 * 4296;
    auto b = waiting_client(options);
    for (const std::uint16_t number : numbers{101, 102, 103}) b.announce_costly(number, 4096);
    b.derive();
    EXPECT_EQ(b.take(), (lines{greets(101), greets(102)}));
    b.pass(2s);
    b.announce(1);
    EXPECT_EQ(b.take(), lines{greets(1)});
}

// A budget that is smaller than one derivation the user allows would never do it.
TEST(client_derivations, the_budget_has_room_for_the_costliest_that_is_allowed)
{
    client_options options;
    options.max_iterations = 3000;
    options.iterations_a_minute = 1;
    auto b = waiting_client(options);
    b.announce_costly(1, 3000);
    b.announce_costly(2, 3000);
    b.derive();
    EXPECT_EQ(b.take(), lines{greets(1)});
    EXPECT_EQ(b.machine.next_deadline(), b.now + 10s);
    b.feed(relay_uid, packet::closed{uid{1}});
    b.pass(60s);
    EXPECT_EQ(b.take(), lines{greets(2)});
}

// --- silence

TEST(client_silence, gives_the_place_to_the_next_after_ten_seconds)
{
    auto b = waiting_client({.max_servers = 2});
    for (const std::uint16_t number : numbers{1, 2, 3}) b.announce(number);
    EXPECT_EQ(b.take(), (lines{greets(1), greets(2)}));
    b.pass(9s);
    EXPECT_EQ(b.take(), lines{});
    b.pass(1s);
    EXPECT_EQ(b.take(), (lines{greets(1), greets(3), repeated})) << "2 is the oldest that is silent";
    b.answer(3);
    b.confirm(3);
    EXPECT_EQ(b.take(), (lines{"send 0003 client_validator", "offered 0003 s:3"}));
    b.feed(uid{2}, packet::y_and_server_validator{});
    EXPECT_EQ(b.take(), lines{}) << "too late";
    b.pass(10s);
    EXPECT_EQ(b.take(), lines{greets(2)}) << "its turn comes again, in the place of 1";
    b.answer(2);
    EXPECT_EQ(b.take(), lines{"send 0002 client_validator"});
}

// The honest server has waited longest: a relay announces it last.
TEST(client_silence, of_4150_servers_does_not_hide_the_honest_one)
{
    auto b = waiting_client();
    for (std::uint16_t number = 1; number <= 4150; ++number) b.announce_costly(number, 16);
    b.announce_alone(5000);
    b.derive();
    EXPECT_EQ(b.take().size(), 4096U);
    b.pass_alone(10s);
    for (int jobs = 0; jobs < 200 && count(b.take(), greets(5000)) == 0; ++jobs) ASSERT_TRUE(b.derive_one());
    b.answer(5000);
    b.confirm(5000);
    EXPECT_EQ(count(b.take(), "offered 1388 s:5000"), 1U);
}

TEST(client_silence, every_uid_may_wait_and_the_cheapest_is_next)
{
    auto b = waiting_client();
    for (std::uint16_t number = 0xffff; number > 1; --number) b.announce_costly(number, 17);
    b.announce_alone(1);
    EXPECT_TRUE(b.derive_one());
    EXPECT_EQ(b.take(), lines{greets(1)});
}

TEST(client_silence, is_answered_by_another_x_after_10_20_and_40_seconds)
{
    auto b = waiting_client();
    b.announce(1);
    b.take();
    std::vector<int> repetitions, told;
    for (int second = 1; second <= 160; ++second) {
        b.pass(1s);
        for (const std::string& line : b.take()) (line == repeated ? told : repetitions).push_back(second);
    }
    EXPECT_EQ(repetitions, (std::vector<int>{10, 30, 70, 150}));
    EXPECT_EQ(told, (std::vector<int>{10, 70, 150})) << "once a minute";
    b.answer(1);
    b.confirm(1);
    EXPECT_EQ(b.take(), (lines{"send 0001 client_validator", "offered 0001 s:1"}));
    b.pass(1h);
    EXPECT_EQ(b.take(), lines{});
}

// The answer to the first X comes when the second one is on its way: it does not fit, and is no wrong
// password.
TEST(client_silence, a_late_answer_to_an_earlier_x_is_not_a_wrong_password)
{
    for (const bool answers_again : {true, false}) {
        auto b = waiting_client();
        b.announce(1);
        b.take();
        const packet_variant late = b.answer_of(1);
        b.pass(10s);
        EXPECT_EQ(b.take(), (lines{greets(1), repeated}));
        b.feed(uid{1}, late);
        b.pass(9s);
        EXPECT_EQ(b.take(), lines{});
        if (answers_again) {
            b.answer(1);
            EXPECT_EQ(b.take(), lines{"send 0001 client_validator"});
        } else {
            b.pass(1s);
            EXPECT_EQ(b.take(), (lines{"send 0001 spoke_failure 01",
                                       "rejected s:1: " + text_of(errc::invalid_client_validator)}));
        }
    }
}

TEST(client_silence, a_late_answer_is_heard_while_nobody_needs_the_place)
{
    auto b = waiting_client();
    b.announce(1);
    b.pass_alone(15s); // the repetition waits for its derivation
    b.take();
    b.answer(1);
    EXPECT_EQ(b.take(), lines{"send 0001 client_validator"});
    b.derive();
    EXPECT_EQ(b.take(), lines{});
}

TEST(client_silence, new_servers_and_repetitions_take_turns)
{
    auto b = waiting_client();
    for (const std::uint16_t number : numbers{1, 2, 3}) b.announce(number);
    b.pass_alone(10s);
    for (const std::uint16_t number : numbers{11, 12, 13}) b.announce_alone(number);
    b.take();
    b.derive();
    EXPECT_EQ(b.take(),
              (lines{greets(1), greets(11), greets(2), greets(12), greets(3), greets(13), repeated}));
}

// --- guesses

void guess(client_bench& b, std::uint16_t number)
{
    b.announce(number, "wrong");
    if (!b.machine.finished()) b.answer(number);
}

std::size_t count_rejected(const lines& all)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [](const std::string& line) { return line.starts_with("rejected"); }));
}

TEST(client_guesses, are_told_one_by_one_and_then_once_a_minute)
{
    auto b = waiting_client();
    std::uint16_t number = 0;
    while (number < 50) guess(b, ++number);
    lines all = b.take();
    EXPECT_EQ(count_rejected(all), 20U);
    EXPECT_EQ(count(all, "guesses 21 from 1"), 1U) << "all are named s";
    EXPECT_EQ(b.machine.next_deadline(), b.now + 60s);
    while (number < 60) guess(b, ++number);
    b.pass(59s);
    EXPECT_EQ(count_rejected(b.take()), 0U);
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{"guesses 39 from 1"});
    guess(b, ++number);
    b.pass(60s);
    EXPECT_EQ(count_rejected(b.take()), 0U) << "one in a minute is no report";
    guess(b, ++number);
    EXPECT_EQ(count_rejected(b.take()), 1U) << "quiet again";
}

TEST(client_guesses, above_the_limit_end_it)
{
    for (const std::uint64_t limit : {0U, 3U}) {
        auto b = waiting_client({.max_guesses = limit});
        for (std::uint16_t number = 1; number <= 3; ++number) guess(b, number);
        EXPECT_FALSE(b.machine.finished());
        guess(b, 4);
        EXPECT_EQ(b.machine.finished(), limit != 0);
        EXPECT_EQ(b.machine.error(), limit != 0 ? make_error_code(errc::too_many_guesses) : error_code{});
        EXPECT_EQ(count(b.take(), "send 0004 spoke_failure 01"), 1U) << "the last one gets its answer, too";
    }
}

TEST(client_guesses, of_a_lost_connection_count_in_the_next_one)
{
    auto first = waiting_client({.max_guesses = 3});
    for (std::uint16_t number = 1; number <= 2; ++number) guess(first, number);
    first.machine.receive_end();
    EXPECT_EQ(first.machine.guesses(), 2U);
    auto second = waiting_client({.max_guesses = 3, .earlier_guesses = first.machine.guesses()});
    guess(second, 1);
    EXPECT_FALSE(second.machine.finished());
    EXPECT_EQ(second.machine.guesses(), 3U);
    guess(second, 2);
    EXPECT_EQ(second.machine.error(), errc::too_many_guesses);
}

// Each X allows one guess.
TEST(client_guesses, of_one_server_are_as_many_as_its_answers)
{
    auto b = waiting_client({.max_guesses = 1});
    b.announce(1, "wrong");
    b.pass(10s);
    b.answer(1);
    EXPECT_FALSE(b.machine.finished());
    b.answer(1);
    EXPECT_EQ(b.machine.error(), errc::too_many_guesses);
}

TEST(client_guesses, are_not_those_of_a_bad_public_value)
{
    auto b = waiting_client({.max_guesses = 1});
    for (std::uint16_t number = 1; number <= 30; ++number)
        b.feed(relay_uid, packet::new_server{uid{number}, {}, client_bench::name(number)});
    EXPECT_FALSE(b.machine.finished());
    EXPECT_EQ(count_rejected(b.take()), 20U);
}

} // namespace
} // namespace parley::test
