// What a relay bears from peers in the handshake: packets, attempts, announcements, and what waits for them.
#include "unit/relay/limited_relay.hpp"

#include <deque>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

// Peers of one kind, each from its own address, that have said hello. Numbers are given in the order of hellos.
std::vector<std::unique_ptr<peer>> waiting_peers(world& w, peer_kind kind, int count, int network)
{
    std::vector<std::unique_ptr<peer>> out;
    for (int i = 0; i < count; ++i) {
        const std::string host = "10." + std::to_string(network) + "." + std::to_string(i / 250) + "." +
                                 std::to_string(i % 250 + 1);
        out.push_back(std::make_unique<peer>(w, stream_kind::handshake, host));
        if (kind == peer_kind::server)
            out.back()->write(relay_uid, packet::hello_as_a_server{});
        else
            out.back()->write(relay_uid, packet::hello_as_a_client{});
        w.settle();
        EXPECT_TRUE(out.back()->got.ends_with('\0'));
    }
    return out;
}

// `times` tries at the peer of that number.
void guess(peer& from, peer_kind kind, std::uint16_t whom, int times = 1)
{
    packet_variant body = packet::y_and_server_validator{};
    if (kind == peer_kind::client)
        body = packet::x_and_client_identity{{}, *identity::from_text("10.0.0.2:1")};
    std::string all;
    for (int i = 0; i < times; ++i) all += as_text(encode(uid{whom}, body).view());
    from.write(all);
}

std::size_t guesses_at(const peer& target, const std::string& type, const std::string& from)
{
    std::size_t count = 0;
    for (std::size_t at = target.got.find(from + type); at != std::string::npos;
         at = target.got.find(from + type, at + 1))
        ++count;
    return count;
}

TEST(relay_limits, let_only_so_many_guesses_at_a_receiver_through)
{
    world w{over::memory, limited([](relay_limits& l) { l.attempts_per_minute = 20; })};
    auto receiver = waiting_peers(w, peer_kind::client, 1, 1);
    auto guessers = waiting_peers(w, peer_kind::server, 3, 2);
    guess(*guessers[0], peer_kind::server, 1, 30);
    w.settle();
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0002"), 10u);
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 20u);
    guess(*guessers[1], peer_kind::server, 1, 30);
    guess(*guessers[2], peer_kind::server, 1, 30);
    w.settle();
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0003"), 10u);
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0004"), 0u);
    w.pass(3s + 1ms); // one token, for the first in line
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0002"), 10u) << "its address has none";
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0004"), 1u);
    w.pass(1min);
    EXPECT_EQ(guesses_at(*receiver[0], "06", "0002"), 11u) << "one waits, whatever number came";
}

TEST(relay_limits, drop_what_others_send_to_a_peer_that_does_not_read_and_keep_the_peer)
{
    relay_server_options options = limited([](relay_limits& l) { l.packets_per_second = 0; });
    options.max_queue_bytes = 80'000;
    world w{over::memory, options};
    w.memory_capacity = 100;
    raw_peer slow{w.connect_raw(stream_kind::handshake, "10.0.0.1")};
    slow.write(relay_uid, packet::hello_as_a_server{});
    w.settle();
    w.memory_capacity = 64 * 1024;
    auto others = waiting_peers(w, peer_kind::client, 1, 2);
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += as_text(encode(uid{1}, packet::client_validator{}).view());
    others[0]->write(flood); // 350,000 bytes
    w.settle();
    EXPECT_EQ(w.log.overflows, 0);
    EXPECT_GT(count(w, reject_reason::queue_full), 4000u);
    EXPECT_EQ(w.relay().count().handshakes, 2u);
    slow.start_reading();
    w.settle();
    EXPECT_GT(slow.got.size(), 5000u);
    EXPECT_LT(slow.got.size(), 12'000u);
    const std::size_t before = count(w, reject_reason::queue_full);
    others[0]->write(uid{1}, packet::spoke_failure{});
    w.settle();
    EXPECT_TRUE(slow.got.ends_with(std::string{"00020d"} + '\0'));
    EXPECT_EQ(count(w, reject_reason::queue_full), before);
}

TEST(relay_limits, do_not_count_guesses_at_nobody)
{
    world w{over::memory, limited([](relay_limits& l) {
                l.attempts_per_minute = 20;
                l.packets_per_second = 0;
            })};
    auto server = waiting_peers(w, peer_kind::server, 1, 1);
    auto guesser = waiting_peers(w, peer_kind::client, 1, 2);
    guess(*guesser[0], peer_kind::client, 1, 10);
    for (std::uint16_t nobody = 3; nobody < 20'000; ++nobody) {
        guess(*guesser[0], peer_kind::client, nobody);
        w.settle();
    }
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 0u);
    EXPECT_EQ(w.relay().count().memory, 0u);
    guess(*guesser[0], peer_kind::client, 1, 10);
    w.settle();
    EXPECT_EQ(guesses_at(*server[0], "07", "0002"), 10u) << "it had its half";
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 10u);
}

TEST(relay_limits, let_an_honest_receiver_through_among_guessers)
{
    for (const int attackers : {4, 12, 100}) {
        world w{over::memory, limited([](relay_limits& l) { l.packets_per_second = 0; })};
        auto server = waiting_peers(w, peer_kind::server, 1, 1);
        auto guessers = waiting_peers(w, peer_kind::client, attackers, 2);
        const auto attack = [&] {
            for (auto& each : guessers) guess(*each, peer_kind::client, 1, 3);
            w.settle();
        };
        for (int i = 0; i < 40; ++i) attack();
        auto honest = waiting_peers(w, peer_kind::client, 1, 3);
        const auto number =
            std::string{
                as_text(encode(uid{static_cast<std::uint16_t>(attackers + 2)}, packet::agreement{}).view())}
                .substr(0, 4);
        guess(*honest[0], peer_kind::client, 1);
        const time_point came = w.time.now();
        while (guesses_at(*server[0], "07", number) == 0 && w.time.now() < came + 10min) {
            attack();
            w.pass(500ms);
        }
        EXPECT_LE(w.time.now() - came, std::chrono::seconds{attackers / 2 + 1}) << attackers;
    }
}

TEST(relay_limits, forget_attempts_of_and_at_those_that_have_left)
{
    world w{over::memory, limited([](relay_limits& l) { l.attempts_per_minute = 2; })};
    auto servers = waiting_peers(w, peer_kind::server, 2, 1);
    auto clients = waiting_peers(w, peer_kind::client, 4, 2);
    for (auto& each : clients)
        for (const std::uint16_t server : {std::uint16_t{1}, std::uint16_t{2}})
            guess(*each, peer_kind::client, server);
    w.settle();
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 4u);
    servers[0]->stream.close();
    clients[2]->stream.close();
    w.settle();
    clients[2] = std::move(waiting_peers(w, peer_kind::client, 1, 2)[0]); // with the same connection's number
    w.pass(31s);
    EXPECT_EQ(guesses_at(*servers[1], "07", "0005"), 0u);
    EXPECT_EQ(guesses_at(*servers[1], "07", "0006"), 1u) << "the place is not for those that left";
    w.pass(5min);
    EXPECT_EQ(guesses_at(*servers[1], "07", "0007"), 0u);
}

TEST(relay_limits, drop_attempts_and_not_their_target_when_memory_is_short)
{
    world w{over::memory, limited([](relay_limits& l) {
                l.attempts_per_minute = 2;
                l.memory = 8 * 1024;
            })};
    auto server = waiting_peers(w, peer_kind::server, 1, 1);
    auto clients = waiting_peers(w, peer_kind::client, 100, 2);
    for (auto& each : clients) guess(*each, peer_kind::client, 1);
    w.settle();
    EXPECT_GE(count(w, reject_reason::memory), 1u);
    EXPECT_LE(w.relay().count().memory, 8u * 1024);
    EXPECT_EQ(w.relay().count().handshakes, 101u);
    EXPECT_FALSE(server[0]->ended);
}

TEST(relay_limits, charge_a_hello_for_all_that_hear_of_it)
{
    world w{over::memory, limited([](relay_limits& l) { l.announcements_per_second = 1; })};
    auto receivers = waiting_peers(w, peer_kind::client, 4, 1);
    const auto say_hello = [&](const std::string& host) {
        peer server{w, stream_kind::handshake, host};
        server.write(relay_uid, packet::hello_as_a_server{});
        w.settle();
        return server.ended ? server.got : "";
    };
    EXPECT_EQ(say_hello("10.0.2.1"), "");
    EXPECT_EQ(say_hello("10.0.2.1"), "");
    EXPECT_EQ(say_hello("10.0.2.1"), "0000090000") << "ten at once, four for each";
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::announcement_rate});
    EXPECT_EQ(say_hello("10.0.2.2"), "");
    w.pass(3s);
    EXPECT_EQ(say_hello("10.0.2.1"), "");
}

// A sender that comes and goes and comes, while many receivers wait: they are written to once for many of them.
TEST(relay_limits, write_announcements_together)
{
    constexpr int count = 300, hellos = 100;
    std::deque<std::size_t> operations; // the world's streams count there to its end
    world w{over::memory, limited([](relay_limits& l) { l.announcements_per_second = 0; })};
    w.wrap_relay_side = [&](any_stream stream, stream_kind, const std::string&) {
        return testing::make_fault_stream(std::move(stream), {}, &operations.emplace_back(0));
    };
    auto receivers = waiting_peers(w, peer_kind::client, count, 1);
    w.pass(1s);
    for (std::size_t& each : operations) each = 0;
    for (int i = 0; i < hellos; ++i) {
        peer server{w, stream_kind::handshake, "10.0.2.1"};
        server.write(relay_uid, packet::hello_as_a_server{});
        w.pass(5ms);
        EXPECT_TRUE(server.got.ends_with('\0'));
        server.stream.close();
        w.pass(5ms);
    }
    w.pass(1s);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_GE(operations[i], 2u);
        EXPECT_LE(operations[i], 1u + 1000 / 50 + 1) << "one write in 50 ms";
        EXPECT_EQ(guesses_at(*receivers[i], "04", "0000"), guesses_at(*receivers[i], "09", "0000"));
    }
    peer honest{w, stream_kind::handshake, "10.0.3.1"};
    honest.write(relay_uid, packet::hello_as_a_server{});
    w.settle();
    EXPECT_TRUE(receivers[0]->got.ends_with("10.0.3.1:" + std::to_string(20'000 + count + hellos) + '\0'))
        << "after quiet, at once";
}

TEST(relay_limits, read_a_fast_peer_slowly)
{
    world w{over::memory, limited([](relay_limits& l) { l.packets_per_second = 100; })};
    peer a{w, stream_kind::handshake, "10.0.0.1"};
    std::string flood = "000001";
    for (int i = 0; i < 1019; ++i) flood += "00010a";
    a.write(flood);
    w.settle();
    EXPECT_EQ(count(w, reject_reason::packet_rate), 1u);
    EXPECT_EQ(w.log.drops.size(), 999u) << "nothing is handled before it is paid";
    a.write("000001");
    const auto answers = [&] { return std::count(a.got.begin(), a.got.end(), '\0'); };
    w.settle();
    EXPECT_EQ(answers(), 1);
    // A burst is a thousand packets. 21 have to be waited for, ten at a time.
    w.pass(299ms);
    EXPECT_EQ(answers(), 1);
    w.pass(2ms);
    EXPECT_EQ(answers(), 2);
    EXPECT_EQ(count(w, reject_reason::packet_rate), 3u);
    EXPECT_FALSE(a.ended);
}

TEST(relay_limits, take_a_few_packets_of_each_peer_in_its_turn)
{
    world w{over::memory, limited([](relay_limits& l) { l.packets_per_second = 0; })};
    constexpr std::size_t peers = 20;
    std::string flood;
    for (int i = 0; i < 9000; ++i) flood += "00ff0a";
    std::vector<std::unique_ptr<peer>> fast;
    for (std::size_t i = 0; i < peers; ++i) {
        fast.push_back(std::make_unique<peer>(w, stream_kind::handshake, "10.0.0.1"));
        fast.back()->write("000001");
    }
    w.settle();
    peer honest{w, stream_kind::handshake, "10.0.0.2"};
    w.settle();
    for (auto& each : fast) each->write(flood);
    honest.write("000001");
    w.context.restart();
    while (!honest.got.ends_with('\0') && w.context.poll_one() != 0) {
    }
    EXPECT_TRUE(honest.got.ends_with('\0'));
    constexpr std::size_t turns = 8; // until the intake has read the hello and handed it on
    EXPECT_LE(w.log.drops.size(), peers * 64 * turns);
    w.settle();
    EXPECT_EQ(w.log.drops.size(), peers * 9000);
}

TEST(relay_limits, count_hellos_that_are_not_answered)
{
    world w{over::memory, limited([](relay_limits& l) {
                l.hellos_per_second = 0;
                l.packets_per_second = 100;
            })};
    w.memory_capacity = 100;
    raw_peer deaf{w.connect_raw(stream_kind::handshake, "10.0.0.1")};
    std::string hellos;
    for (int i = 0; i < 1010; ++i) hellos += "000001";
    deaf.write(hellos);
    w.settle();
    EXPECT_EQ(count(w, reject_reason::packet_rate), 1u);
}

TEST(relay_limits, drop_whom_most_waits_for_when_memory_is_short)
{
    world w{over::memory, limited([](relay_limits& l) {
                l.packets_per_second = 0;
                l.memory = 64 * 1024;
            })};
    w.memory_capacity = 100;
    raw_peer deaf{w.connect_raw(stream_kind::handshake, "10.0.0.1")};
    deaf.write("000001"); // uid 1
    w.settle();
    raw_peer slow{w.connect_raw(stream_kind::handshake, "10.0.0.2")};
    slow.write("000001"); // uid 2
    w.settle();
    w.memory_capacity = 64 * 1024;
    peer server{w, stream_kind::handshake, "10.0.0.3"};
    server.write(relay_uid, packet::hello_as_a_server{});
    w.settle();
    const auto fail = [&](std::uint16_t whom, int times) {
        std::string all;
        for (int i = 0; i < times; ++i) all += as_text(encode(uid{whom}, packet::spoke_failure{}).view());
        server.write(all);
        w.settle();
    };
    fail(2, 2000);
    fail(1, 6000); // 56,000 bytes in all
    EXPECT_EQ(count(w, reject_reason::memory), 0u);
    EXPECT_GT(w.relay().count().memory, 56'000u);
    EXPECT_LE(w.relay().count().memory, 64u * 1024);
    fail(2, 1500);
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::memory});
    EXPECT_TRUE(w.log.rejected_peers.front().starts_with("10.0.0.1:")) << w.log.rejected_peers.front();
    EXPECT_EQ(w.log.overflows, 1);
    EXPECT_EQ(w.relay().count().handshakes, 2u) << "the smaller one stays";
    slow.start_reading();
    w.settle();
    EXPECT_EQ(w.relay().count().memory, 0u);
}

} // namespace
} // namespace parley::test
