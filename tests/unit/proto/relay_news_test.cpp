// What many peers hear is collected: PROTOCOL.md sections 3.2, 3.3 and 3.8, in few writes.
#include <unit/proto/relay_bench.hpp>

#include <parley/testing/seeded_random.hpp>

#include <map>
#include <set>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

// Everything happens at `now`.
struct news_bench : relay_bench {
    news_bench() : relay_bench{relay_options{}} {}
    void pass(duration time)
    {
        now += time;
        machine.expire(now);
    }
};

TEST(relay_news, the_first_after_quiet_is_told_at_once_and_what_follows_together)
{
    news_bench b;
    b.client(0);
    b.take();
    b.server(1);
    EXPECT_EQ(b.take(), (lines{"to 1: 0000 server_identity p:1", "to 0: 0000 new_server 0002 p:1"}));
    EXPECT_GT(b.machine.next_deadline(), b.now + 1min) << "nothing is left";
    b.pass(10ms);
    b.server(2);
    b.server(3);
    b.leave(1);
    EXPECT_EQ(b.take(), (lines{"to 2: 0000 server_identity p:2", "to 3: 0000 server_identity p:3"}));
    EXPECT_EQ(b.machine.next_deadline(), b.now + 40ms);
    b.pass(39ms);
    EXPECT_EQ(b.take(), lines{});
    b.pass(1ms);
    EXPECT_EQ(b.take(), (lines{"to 0: 0000 closed 0002", "to 0: 0000 new_server 0003 p:2",
                               "to 0: 0000 new_server 0004 p:3"}));
    b.pass(49ms);
    b.leave(2);
    EXPECT_EQ(b.take(), lines{}) << "what was just told counts as no quiet";
    b.pass(1ms);
    EXPECT_EQ(b.take(), lines{"to 0: 0000 closed 0003"});
    b.pass(50ms);
    b.leave(3);
    EXPECT_EQ(b.take(), lines{"to 0: 0000 closed 0004"});
}

TEST(relay_news, a_server_that_comes_and_goes_is_told_to_nobody)
{
    news_bench b;
    b.client(0);
    b.server(1);
    b.take();
    b.server(2);
    b.leave(2);
    EXPECT_EQ(b.take(), lines{"to 2: 0000 server_identity p:2"});
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{});
}

TEST(relay_news, a_client_that_says_hello_meanwhile_gets_the_list_as_it_is)
{
    news_bench b;
    b.client(0);
    b.server(1);
    b.take();
    b.leave(1);
    b.server(2);
    b.server(3);
    b.client(4);
    b.server(5);
    b.leave(3);
    EXPECT_EQ(b.take(), (lines{"to 2: 0000 server_identity p:2", "to 3: 0000 server_identity p:3",
                               "to 4: 0000 client_identity p:4", "to 4: 0000 new_server 0004 p:3",
                               "to 4: 0000 new_server 0003 p:2", "to 5: 0000 server_identity p:5"}));
    b.pass(50ms);
    EXPECT_EQ(b.take(),
              (lines{"to 4: 0000 closed 0004", "to 4: 0000 new_server 0006 p:5", "to 0: 0000 closed 0002",
                     "to 0: 0000 new_server 0003 p:2", "to 0: 0000 new_server 0006 p:5"}))
        << "each hears what it did not know, and that what it knew is gone";
}

TEST(relay_news, an_ended_pair_hears_nothing)
{
    news_bench b;
    b.client(0);
    b.client(1);
    b.server(2);
    b.say(0, uid{3}, packet::refused{});
    b.take();
    b.leave(2);
    b.pass(50ms);
    EXPECT_EQ(b.take(), lines{"to 1: 0000 closed 0003"});
}

TEST(relay_news, a_number_is_not_used_again_before_its_end_was_told)
{
    news_bench b;
    b.client(0);
    b.server(1);
    b.take();
    b.leave(1);                                  // its number is 2
    for (std::uint32_t i = 0; i < 0xffff; ++i) { // each free number once, and one more
        b.server(1);
        for (const auto& action : b.actions()) {
            const auto& send = std::get<relay_action::send>(action);
            ASSERT_EQ(number(send.to), 1u);
        }
        b.leave(1);
    }
    b.server(1);
    b.take();
    b.pass(50ms);
    EXPECT_EQ(b.take(), (lines{"to 0: 0000 closed 0002", "to 0: 0000 new_server 0005 p:1"}));
}

TEST(relay_news, numbers_that_wait_to_be_told_are_freed_when_they_are_needed)
{
    news_bench b;
    b.client(0);
    for (std::uint32_t c = 1; c < 0xffff; ++c) b.server(c);
    b.pass(1s);
    b.actions();
    b.leave(1); // told at once
    b.leave(2);
    b.leave(3);
    b.actions();
    b.server(1);
    b.server(2);
    EXPECT_EQ(b.machine.count().servers, 0xffffU - 2);
    b.actions();
    b.server(3);
    b.actions();
    EXPECT_EQ(b.machine.count().servers, 0xffffU - 1);
}

// Servers are told of a client that has gone; whom nobody has heard of goes in silence, when there is much to tell.
TEST(relay_news, a_client_that_comes_and_goes_unheard_is_told_to_nobody)
{
    news_bench b;
    b.server(0);
    b.client(1);
    b.take();
    b.leave(1);
    EXPECT_EQ(b.take(), lines{"to 0: 0000 closed 0002"});
    b.client(1);
    b.leave(1);
    b.client(1);
    b.say(1, uid{1}, packet::x_and_client_identity{{}, named("p:1")});
    b.leave(1);
    b.client(1);
    b.take();
    b.pass(50ms);
    EXPECT_EQ(b.take(), lines{"to 0: 0000 closed 0004"});
    b.leave(1);
    b.pass(50ms);
    EXPECT_EQ(b.take(), lines{"to 0: 0000 closed 0005"}) << "it was there for longer";
}

TEST(relay_news, many_peers_are_told_less_often)
{
    news_bench b;
    constexpr std::uint32_t clients = 9000;
    for (std::uint32_t c = 0; c < clients; ++c) b.client(c);
    b.actions();
    std::size_t sends = 0;
    const time_point end = b.now + 1s;
    while (b.now < end) { // a server comes and goes a hundred times a second
        b.server(clients);
        sends += b.actions().size() - 1;
        b.pass(5ms);
        sends += b.actions().size();
        b.leave(clients);
        b.pass(5ms);
        sends += b.actions().size();
    }
    EXPECT_LE(sends, clients * 2 * (1s / 180ms + 1)) << "20 us for each client";
    EXPECT_GE(sends, clients * 5);
}

// Whatever happens, each client knows exactly the servers that wait when all is told, and each of its packets
// makes sense to it.
TEST(relay_news, leave_each_client_with_the_servers_that_wait)
{
    constexpr std::uint32_t connections = 24;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        testing::seeded_random random{seed};
        const auto pick = [&](std::uint32_t below) {
            std::array<byte, 4> bytes;
            random.fill(bytes);
            return load_be<std::uint32_t>(bytes.data()) % below;
        };
        news_bench b;
        enum class kind { none, server, client };
        std::array<kind, connections> kinds{};
        std::array<std::uint16_t, connections> uids{};
        std::uint16_t last = 0;
        std::map<std::uint32_t, std::map<std::uint16_t, std::string>> known; // by client
        std::map<std::uint32_t, std::set<std::uint16_t>> refused;            // by client
        const auto hear = [&] {
            for (const auto& action : b.actions()) {
                const auto* send = std::get_if<relay_action::send>(&action);
                if (send == nullptr || number(send->to) >= connections) continue;
                ASSERT_NE(kinds[number(send->to)], kind::none) << seed;
                const message m = packets_in(send->packet->view()).at(0);
                auto& list = known[number(send->to)];
                if (const auto* come = std::get_if<packet::new_server>(&m.body)) {
                    ASSERT_EQ(kinds[number(send->to)], kind::client);
                    ASSERT_TRUE(list.emplace(come->server.value, text(come->identity)).second) << seed;
                } else if (const auto* gone = std::get_if<packet::closed>(&m.body)) {
                    if (kinds[number(send->to)] == kind::client) {
                        ASSERT_EQ(list.erase(gone->gone.value), 1u) << seed;
                    }
                }
            }
        };
        for (int step = 0; step < 300; ++step) {
            const std::uint32_t c = pick(connections);
            if (kinds[c] != kind::none) {
                if (kinds[c] == kind::client && pick(4) == 0 && !known[c].empty()) { // a pair ends
                    const auto which = known[c].begin()->first;
                    const auto holder = std::find(uids.begin(), uids.end(), which) - uids.begin();
                    if (holder < connections && kinds[static_cast<std::size_t>(holder)] == kind::server) {
                        b.say(c, uid{which}, packet::refused{});
                        known[c].erase(which);
                        refused[c].insert(which);
                    }
                } else {
                    kinds[c] = kind::none;
                    known.erase(c);
                    refused.erase(c);
                    uids[c] = 0;
                    b.leave(c);
                }
            } else {
                kinds[c] = pick(2) == 0 ? kind::server : kind::client;
                uids[c] = ++last; // none comes round
                kinds[c] == kind::server ? b.server(c) : b.client(c);
            }
            hear();
            if (pick(3) == 0) b.pass(std::chrono::milliseconds{pick(40)});
            hear();
        }
        b.pass(1s);
        hear();
        for (std::uint32_t c = 0; c < connections; ++c) {
            if (kinds[c] != kind::client) continue;
            std::set<std::uint16_t> there, heard;
            for (const auto& each : known[c]) heard.insert(each.first);
            for (std::uint32_t s = 0; s < connections; ++s)
                if (kinds[s] == kind::server) there.insert(uids[s]);
            for (const std::uint16_t each : refused[c]) there.erase(each);
            EXPECT_EQ(heard, there) << seed;
        }
        b.client(connections); // which gets the whole list
        std::set<std::uint16_t> listed;
        for (const auto& action : b.actions()) {
            const message m = packets_in(std::get<relay_action::send>(action).packet->view()).at(0);
            if (const auto* come = std::get_if<packet::new_server>(&m.body))
                listed.insert(come->server.value);
        }
        EXPECT_EQ(listed.size(), b.machine.count().servers);
        EXPECT_GT(b.machine.next_deadline(), b.now);
    }
}

} // namespace
} // namespace parley::test
