// Which greetings a server counts as guesses, what it tells of them, and when it has had enough.
#include <unit/proto/server_bench.hpp>

#include <algorithm>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

server_bench waiting_server(server_options options = {})
{
    server_bench b{options};
    b.identify();
    b.take();
    return b;
}

struct failure_to_prove {
    const char* name;
    std::function<void(server_bench&, std::uint16_t)> act;
};

const std::vector<failure_to_prove>& failures()
{
    static const std::vector<failure_to_prove> all{
        {"a wrong validator",
         [](server_bench& b, std::uint16_t number) { b.feed(uid{number}, packet::client_validator{}); }},
        {"a failure",
         [](server_bench& b, std::uint16_t number) {
             b.feed(uid{number}, packet::spoke_failure{spoke_failure_kind::invalid_client_validator});
         }},
        {"a departure",
         [](server_bench& b, std::uint16_t number) { b.feed(relay_uid, packet::closed{uid{number}}); }},
        {"refused", [](server_bench& b, std::uint16_t number) { b.feed(uid{number}, packet::refused{}); }},
        {"silence", [](server_bench& b, std::uint16_t) { b.pass(10s); }},
    };
    return all;
}

TEST(server_guesses, are_all_greetings_that_do_not_prove_the_password)
{
    for (const auto& f : failures()) {
        SCOPED_TRACE(f.name);
        auto b = waiting_server({.max_guesses = 2});
        for (std::uint16_t number = 1; number <= 3; ++number) {
            EXPECT_FALSE(b.machine.finished());
            b.greet(number, "wrong");
            f.act(b, number);
        }
        EXPECT_EQ(b.machine.error(), errc::too_many_guesses);
        EXPECT_EQ(b.machine.next_deadline(), no_deadline);
    }
}

TEST(server_guesses, one_greeting_is_one_guess)
{
    auto b = waiting_server({.max_guesses = 1});
    b.greet(1, "wrong");
    b.pass(10s);
    b.feed(uid{1}, packet::client_validator{});
    b.feed(relay_uid, packet::closed{uid{1}});
    EXPECT_FALSE(b.machine.finished());
    b.greet(1, "wrong");
    b.greet(1, "wrong");
    EXPECT_EQ(b.machine.error(), errc::too_many_guesses) << "greeting again gives the first one up";
}

TEST(server_guesses, are_not_those_who_prove_the_password)
{
    auto b = waiting_server({.max_guesses = 1});
    for (std::uint16_t number = 1; number <= 5; ++number) {
        b.greet(number);
        b.prove(number);
    }
    b.pass(1h);
    EXPECT_FALSE(b.machine.finished());
    b.greet(6);
    b.pass(30s);
    b.take();
    b.prove(6);
    EXPECT_EQ(b.take(), lines{"send 0006 agreement"}) << "late is better than never";
    b.feed(uid{6}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"agreed s:1 c:6 " + b.key_text[6]});
}

TEST(server_guesses, of_one_who_says_nothing_are_told_once_a_minute)
{
    auto b = waiting_server();
    for (std::uint16_t number = 1; number <= 45; ++number) b.greet(number, "wrong");
    b.take();
    EXPECT_EQ(b.machine.next_deadline(), b.now + 10s);
    b.pass(10s);
    EXPECT_EQ(b.take(), lines{"guesses 21 from 1"});
    EXPECT_EQ(b.machine.next_deadline(), b.now + 60s);
    for (std::uint16_t number = 46; number <= 50; ++number) b.greet(number, "wrong");
    b.pass(50s);
    b.take();
    b.pass(10s);
    EXPECT_EQ(b.take(), lines{"guesses 29 from 1"});
    EXPECT_EQ(b.machine.next_deadline(), no_deadline);
}

TEST(server_guesses, are_told_one_by_one_up_to_twenty)
{
    auto b = waiting_server();
    for (std::uint16_t number = 1; number <= 30; ++number) {
        b.greet(number, "wrong");
        b.feed(uid{number}, packet::client_validator{});
    }
    const lines all = b.take();
    const auto rejected =
        std::ranges::count_if(all, [](const std::string& line) { return line.starts_with("rejected"); });
    EXPECT_EQ(rejected, 20);
    EXPECT_EQ(std::ranges::count(all, "guesses 21 from 1"), 1);
}

TEST(server_guesses, of_those_who_give_way_to_newer_ones_count)
{
    auto b = waiting_server({.max_clients = 2, .max_guesses = 2});
    for (std::uint16_t number = 1; number <= 4; ++number) b.greet(number, "wrong");
    EXPECT_FALSE(b.machine.finished());
    b.greet(5, "wrong");
    EXPECT_EQ(b.machine.error(), errc::too_many_guesses);
}

TEST(server_guesses, of_a_lost_connection_count_in_the_next_one)
{
    auto first = waiting_server({.max_guesses = 4});
    first.greet(1, "wrong");
    first.feed(uid{1}, packet::client_validator{});
    EXPECT_EQ(first.machine.guesses(), 1U);
    first.greet(2);
    first.prove(2);
    first.greet(3, "wrong");
    first.greet(4, "wrong");
    first.machine.receive_end();
    EXPECT_EQ(first.machine.error(), errc::unexpected_end);
    EXPECT_EQ(first.machine.guesses(), 3U) << "3 and 4 have seen the validator";

    auto second = waiting_server({.max_guesses = 4, .earlier_guesses = first.machine.guesses()});
    EXPECT_EQ(second.machine.guesses(), 3U);
    second.greet(1, "wrong");
    second.feed(uid{1}, packet::client_validator{});
    EXPECT_FALSE(second.machine.finished());
    second.greet(1, "wrong");
    second.feed(uid{1}, packet::client_validator{});
    EXPECT_EQ(second.machine.error(), errc::too_many_guesses);
}

} // namespace
} // namespace parley::test
