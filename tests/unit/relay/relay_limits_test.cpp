// What a relay bears, and how it drains: relay_limits as a peer meets them.
#include "support/actors_world.hpp"

#include <algorithm>
#include <deque>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

relay_server_options limited(const std::function<void(relay_limits&)>& set)
{
    relay_server_options options;
    options.time = nullptr; // the world's: no real time passes, and each deadline comes exactly
    set(options.limits);
    return options;
}

std::size_t count(const world& w, reject_reason why)
{
    return static_cast<std::size_t>(std::count(w.log.rejections.begin(), w.log.rejections.end(), why));
}

struct peer : raw_peer {
    peer(world& w, stream_kind kind, const std::string& host) : raw_peer(w.connect_raw(kind, host))
    {
        start_reading();
    }
};

// Two that have agreed; the relay has closed them.
struct agreed_peers {
    agreed_peers(world& w, const std::string& a, const std::string& b)
        : client(w, stream_kind::handshake, a), server(w, stream_kind::handshake, b)
    {
        server.write(relay_uid, packet::hello_as_a_server{});
        EXPECT_TRUE(w.run_until([&] { return server.got.ends_with('\0'); }));
        server_identity = server.got.substr(6, server.got.size() - 7);
        client.write(relay_uid, packet::hello_as_a_client{});
        const std::string announcement = server_identity + '\0';
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with(announcement); }));
        client_identity = client.got.substr(6, client.got.find('\0') - 6);
        const std::string uid = client.got.substr(client_identity.size() + 7 + 6, 4);
        client.write(uid + "07" + std::string(32, 'x') + client_identity + '\0');
        EXPECT_TRUE(w.run_until([&] { return server.got.find("07x") != std::string::npos; }));
        server.write(server.got.substr(server.got.find("07x") - 4, 4) + "08");
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with(uid + "08"); }));
        client.write(uid + "0a");
        EXPECT_TRUE(w.run_until([&] { return client.ended && server.ended; }));
    }
    peer client, server;
    std::string client_identity, server_identity;
};

// Two that have agreed, and come to their room.
struct pair_in_room {
    explicit pair_in_room(world& w, const std::string& a = "10.0.0.21", const std::string& b = "10.0.0.22")
    {
        const agreed_peers agreed{w, a, b};
        first.emplace(w, stream_kind::room, a);
        second.emplace(w, stream_kind::room, b);
        first->write(agreed.server_identity + "\n");
        second->write(agreed.client_identity + "\n");
        EXPECT_TRUE(w.run_until([&] { return !first->got.empty() && !second->got.empty(); }));
    }
    bool joined() const { return first->got.starts_with("00") && second->got.starts_with("00"); }

    std::optional<peer> first, second; // client, server
};

TEST(relay_limits, turn_connections_away_before_anything_is_read)
{
    world w{over::memory, limited([](relay_limits& l) { l.connections_per_address = 2; })};
    peer a{w, stream_kind::handshake, "10.0.0.1"}, b{w, stream_kind::room, "10.0.0.1"};
    peer c{w, stream_kind::handshake, "10.0.0.1"}, other{w, stream_kind::handshake, "10.0.0.2"};
    EXPECT_TRUE(w.run_until([&] { return c.ended.has_value(); }));
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::address_full});
    EXPECT_EQ(w.relay().count().connections, 3u);
    a.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().connections == 2; }));
    peer d{w, stream_kind::handshake, "10.0.0.1"};
    w.settle();
    EXPECT_FALSE(d.ended);
}

TEST(relay_limits, close_who_says_hello_too_often)
{
    world w{over::memory, limited([](relay_limits& l) { l.hellos_per_second = 0.2; })};
    peer a{w, stream_kind::handshake, "10.0.0.1"}, b{w, stream_kind::handshake, "10.0.0.1"};
    a.write("000001000001");
    EXPECT_TRUE(w.run_until([&] { return std::count(a.got.begin(), a.got.end(), '\0') == 2; }));
    b.write("000001");
    EXPECT_TRUE(w.run_until([&] { return b.ended.has_value(); }));
    EXPECT_EQ(b.got, "0000090000");
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::hello_rate});
    EXPECT_FALSE(a.ended);
    w.pass(5s);
    peer c{w, stream_kind::handshake, "10.0.0.1"};
    c.write("000001");
    EXPECT_TRUE(w.run_until([&] { return c.got.ends_with('\0'); }));
}

TEST(relay_limits, let_only_so_many_guesses_through)
{
    world w{over::memory, limited([](relay_limits& l) { l.attempts_per_minute = 20; })};
    peer server{w, stream_kind::handshake, "10.0.0.1"};
    server.write(relay_uid, packet::hello_as_a_server{});
    EXPECT_TRUE(w.run_until([&] { return server.got.ends_with('\0'); }));
    server.got.clear();
    const auto guess = [&](peer& from) {
        packet::x_and_client_identity x;
        x.identity = *identity::from_text("10.0.0.2:1");
        for (int i = 0; i < 30; ++i) from.write(uid{1}, x);
        EXPECT_TRUE(w.run_until([&] { return from.writes_under_way == 0; }));
        w.settle();
    };
    peer one{w, stream_kind::handshake, "10.0.0.2"}, silent{w, stream_kind::handshake, "10.0.0.3"};
    one.write("000001");
    guess(one);
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 20u) << "one address may use half";
    guess(silent); // without a hello: counts for nothing
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 20u);
    silent.write("000001");
    guess(silent);
    EXPECT_EQ(count(w, reject_reason::attempt_rate), 40u);
    EXPECT_EQ(server.got.size(), 20 * (6 + 32 + 11u));
}

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
    world w{over::memory, limited([](relay_limits& l) { l.announcements_per_second = 0; })};
    constexpr int count = 300, hellos = 100;
    std::deque<std::size_t> operations;
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
    constexpr std::size_t turns = 4; // until the intake has read the hello and handed it on
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

TEST(relay_limits, close_who_says_nothing)
{
    world w{over::memory, limited([](relay_limits& l) { l.preamble_timeout = 10s; })};
    peer silent{w, stream_kind::handshake, "10.0.0.1"}, speaker{w, stream_kind::handshake, "10.0.0.2"};
    speaker.write("000001");
    w.pass(10s - 1ns);
    EXPECT_FALSE(silent.ended);
    w.pass(1ns);
    EXPECT_TRUE(silent.ended);
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::preamble_timeout});
    EXPECT_FALSE(speaker.ended);
}

TEST(relay_limits, bound_rooms)
{
    world w{over::memory, limited([](relay_limits& l) { l.rooms = 1; })};
    pair_in_room one{w}, two{w, "10.0.0.31", "10.0.0.32"};
    EXPECT_EQ(count(w, reject_reason::rooms_full), 2u);
    EXPECT_EQ(w.relay().count().rooms, 1u);
    EXPECT_TRUE(w.run_until([&] { return two.first->ended && two.second->ended; }));
}

TEST(relay_limits, bound_the_rooms_of_an_address)
{
    world w{over::memory, limited([](relay_limits& l) { l.rooms_per_address = 3; })};
    std::deque<pair_in_room> rooms;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(rooms.emplace_back(w, "10.0.0.1", "10.0.0.1").joined());
    EXPECT_EQ(rooms.emplace_back(w, "10.0.0.1", "10.0.0.2").first->got, "01");
    EXPECT_EQ(count(w, reject_reason::address_rooms), 2u);
    EXPECT_TRUE(rooms.emplace_back(w, "10.0.0.2", "10.0.0.3").joined());
    rooms[0].first->stream.close();
    rooms[0].second->stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().rooms == 3; }));
    EXPECT_TRUE(rooms.emplace_back(w, "10.0.0.1", "10.0.0.2").joined());
}

TEST(relay_limits, let_an_honest_pair_into_a_room_when_all_are_taken)
{
    world w{over::memory, limited([](relay_limits& l) { l.rooms = 6; })};
    std::deque<pair_in_room> taken;
    for (const char* attacker : {"10.0.0.1", "10.0.0.2"})
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(taken.emplace_back(w, attacker, attacker).joined());
    EXPECT_EQ(taken.emplace_back(w, "10.0.0.1", "10.0.0.1").first->got, "01");
    EXPECT_EQ(count(w, reject_reason::rooms_full), 2u);
    EXPECT_FALSE(taken[5].first->ended);
    pair_in_room honest{w};
    EXPECT_TRUE(honest.joined());
    EXPECT_TRUE(w.run_until([&] { return taken[5].first->ended && taken[5].second->ended; }))
        << "the newest of the network that got so many last";
    EXPECT_EQ(count(w, reject_reason::over_share), 1u);
    EXPECT_EQ(w.relay().count().rooms, 6u);
    honest.first->write("still here");
    EXPECT_TRUE(w.run_until([&] { return honest.second->got.ends_with("still here"); }));
}

TEST(relay_limits, bound_the_agreements_of_an_address)
{
    world w{over::memory, limited([](relay_limits& l) { l.agreements_per_address = 2; })};
    for (int i = 0; i < 4; ++i) agreed_peers{w, "10.0.0.1", "10.0.0.1"};
    EXPECT_EQ(w.relay().count().places.agreements, 2u);
    EXPECT_EQ(count(w, reject_reason::address_agreements), 2u);
    EXPECT_TRUE(pair_in_room(w).joined());
    w.pass(30s); // none of them comes
    EXPECT_EQ(w.relay().count().places.agreements, 0u);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(pair_in_room(w, "10.0.0.1", "10.0.0.1").joined()) << i;
    EXPECT_EQ(count(w, reject_reason::address_agreements), 2u) << "each is over when its room begins";
}

TEST(relay_limits, bound_the_waiting_peers_of_an_address)
{
    world w{over::memory, limited([](relay_limits& l) { l.waiting_per_address = 2; })};
    std::deque<peer> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.emplace_back(w, stream_kind::handshake, "10.0.0.1").write("000001");
        w.settle();
    }
    EXPECT_TRUE(w.run_until([&] { return waiting[2].ended.has_value(); }));
    EXPECT_EQ(waiting[2].got, "0000090000");
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::address_waiting});
    waiting[0].stream.close();
    w.settle();
    waiting.emplace_back(w, stream_kind::handshake, "10.0.0.1").write("000001000001");
    EXPECT_TRUE(w.run_until([&] { return waiting[3].got.ends_with('\0'); }));
    EXPECT_EQ(w.relay().count().peers.clients, 2u);
}

TEST(relay_limits, let_an_honest_peer_in_when_all_connections_are_taken)
{
    world w{over::memory, limited([](relay_limits& l) { l.connections = 12; })};
    std::deque<peer> attackers;
    for (int i = 0; i < 11; ++i) { // some say hello, some a line, some nothing
        attackers.emplace_back(w, i % 3 == 1 ? stream_kind::room : stream_kind::handshake, "10.0.0.1");
        if (i % 3 == 0) attackers.back().write("000001");
        if (i % 3 == 1) attackers.back().write("10.9.9.9:1");
        w.settle();
    }
    attackers.emplace_back(w, stream_kind::handshake, "10.0.0.2").write("000001");
    attackers.emplace_back(w, stream_kind::handshake, "10.0.0.1").write("000001");
    EXPECT_TRUE(w.run_until([&] { return attackers[12].ended.has_value(); }))
        << "refused: its own holds most";
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::connections_full});
    EXPECT_TRUE(pair_in_room(w).joined());
    EXPECT_GE(count(w, reject_reason::over_share), 2u);
    EXPECT_FALSE(attackers[0].ended) << "the newest go first";
    EXPECT_FALSE(attackers[11].ended) << "that network holds little";
    EXPECT_TRUE(attackers[10].ended && attackers[9].ended);
    EXPECT_EQ(attackers[9].got.substr(attackers[9].got.size() - 10), "0000090000");
    EXPECT_LE(w.relay().count().connections, 12u);
}

TEST(relay_limits, end_a_room_that_gives_way)
{
    world w{over::memory, limited([](relay_limits& l) { l.connections = 4; })};
    pair_in_room attackers{w, "10.0.0.1", "10.0.0.1"};
    w.settle();
    peer third{w, stream_kind::handshake, "10.0.0.1"};
    third.write("000001");
    peer fourth{w, stream_kind::handshake, "10.0.0.2"};
    fourth.write("000001");
    w.settle();
    peer one{w, stream_kind::handshake, "10.0.0.3"};
    EXPECT_TRUE(w.run_until([&] { return third.ended.has_value(); }));
    peer two{w, stream_kind::handshake, "10.0.0.4"};
    EXPECT_TRUE(w.run_until([&] { return attackers.first->ended && attackers.second->ended; }));
    EXPECT_EQ(w.relay().count().connections, 3u) << "a room is two";
    EXPECT_FALSE(one.ended || two.ended || fourth.ended);
}

// Who sits at a peer's address asks for its place in the room again and again until the agreement is there.
TEST(relay_limits, refuse_who_polls_for_a_place_in_a_room)
{
    world w{over::memory, limited([](relay_limits&) {})};
    std::deque<peer> polls;
    const auto poll = [&](const std::string& named) {
        polls.emplace_back(w, stream_kind::room, "10.0.0.21").write(named + "\n");
        EXPECT_TRUE(w.run_until([&] { return polls.back().ended || w.relay().count().places.waiting > 0; }));
        return polls.back().got;
    };
    // The server's to be, which connects after 30 polls and its client.
    const std::string named = "10.0.0.22:" + std::to_string(w.next_port() + 31);
    for (int i = 0; i < 30; ++i) {
        EXPECT_EQ(poll(named), "02");
        w.pass(14ms);
    }
    EXPECT_EQ(count(w, reject_reason::denied_rate), 30u - 11);
    const agreed_peers agreed{w, "10.0.0.21", "10.0.0.22"};
    EXPECT_EQ(agreed.server_identity, named);
    EXPECT_EQ(poll(named), "02");
    EXPECT_EQ(w.relay().count().places.waiting, 0u);
    // Others at that address, who name other peers, and other addresses come to their rooms.
    EXPECT_TRUE(pair_in_room(w, "10.0.0.21", "10.0.0.23").joined());
    EXPECT_TRUE(pair_in_room(w, "10.0.0.24", "10.0.0.22").joined());
}

TEST(relay_limits, bound_the_bytes_of_a_room)
{
    world w{over::memory, limited([](relay_limits& l) { l.room_bytes = 100'000; })};
    pair_in_room room{w};
    room.first->write(random_bytes(90'000));
    EXPECT_TRUE(w.run_until([&] { return room.second->got.size() > 90'000; }));
    EXPECT_EQ(w.relay().count().room_bytes, 90'000u);
    room.second->write(random_bytes(20'000));
    EXPECT_TRUE(w.run_until([&] { return room.first->ended && room.second->ended; }));
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::room_bytes});
}

TEST(relay_limits, end_a_room_without_a_byte)
{
    world w{over::memory, limited([](relay_limits& l) { l.room_idle = 80s; })};
    pair_in_room room{w};
    for (int i = 0; i < 10; ++i) {
        room.first->write("x");
        w.pass(70s);
    }
    EXPECT_FALSE(room.first->ended);
    // Rooms are looked at each eighth of the time, and one that has just been seen to move counts from then.
    w.pass(20s);
    EXPECT_TRUE(room.first->ended && room.second->ended);
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::room_idle});
}

// The second of the two does not read any more, and the first goes on writing.
void stall(pair_in_room& room)
{
    room.second->paused = true;
    room.first->write(random_bytes(1'000'000));
}

TEST(relay_limits, end_a_room_whose_bytes_do_not_move)
{
    world w{over::memory, limited([](relay_limits&) {})};
    pair_in_room room{w};
    stall(room);
    w.pass(60s);
    EXPECT_FALSE(room.first->ended);
    w.pass(3s);
    EXPECT_TRUE(room.first->ended);
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::room_stalled});
    EXPECT_EQ(w.relay().count().rooms, 0u);
}

TEST(relay_limits, end_a_room_of_which_a_byte_is_read_now_and_then)
{
    world w{over::memory, limited([](relay_limits&) {})};
    pair_in_room room{w};
    stall(room);
    w.settle();
    byte one{};
    for (int i = 0; i < 6; ++i) {
        room.second->stream.async_read_some(asio::buffer(&one, 1), [](error_code, std::size_t) {});
        w.pass(10s);
        EXPECT_FALSE(room.first->ended);
    }
    w.pass(3s);
    EXPECT_TRUE(room.first->ended);
}

TEST(relay_limits, bear_a_slow_reader)
{
    world w{over::memory, limited([](relay_limits&) {})};
    pair_in_room room{w};
    stall(room);
    for (int i = 0; i < 200; ++i) { // 2 KiB a second
        w.pass(2s);
        room.second->start_reading();
    }
    EXPECT_FALSE(room.first->ended);
    EXPECT_TRUE(w.log.rejections.empty());
    room.second->paused = false;
    room.second->start_reading();
    EXPECT_TRUE(w.run_until([&] { return room.second->got.size() == 1'000'002; }));
}

TEST(relay_limits, drop_rooms_that_hold_too_much_together)
{
    world w{over::memory, limited([](relay_limits& l) { l.memory = 5u << 19; })};
    std::deque<pair_in_room> rooms;
    for (int i = 0; i < 4; ++i) rooms.emplace_back(w);
    for (std::size_t i = 0; i < 3; ++i) stall(rooms[i]); // each holds a buffer of a mebibyte
    w.pass(5s);
    EXPECT_EQ(count(w, reject_reason::memory), 1u);
    EXPECT_EQ(w.relay().count().rooms, 3u);
    EXPECT_FALSE(rooms[3].first->ended);
}

TEST(relay_limits, bound_how_fast_a_room_is)
{
    world w{over::memory, limited([](relay_limits& l) { l.room_bytes_per_second = 1e6; })};
    pair_in_room room{w};
    const auto time_of = [&](std::size_t size) {
        const time_point start = w.time.now();
        const std::size_t before = room.second->got.size();
        room.first->write(random_bytes(size));
        EXPECT_TRUE(w.run_until([&] { return room.second->got.size() == before + size; }));
        return w.time.now() - start;
    };
    const duration took = time_of(400'000); // a tenth of a second's worth at once
    EXPECT_GE(took, 299ms);
    EXPECT_LE(took, 301ms);
    w.relay().set_limits({});
    EXPECT_EQ(time_of(4'000'000), 0ms);
}

TEST(relay_limits, bound_how_fast_all_rooms_are)
{
    world w{over::memory, limited([](relay_limits& l) { l.bytes_per_second = 1e6; })};
    pair_in_room one{w}, two{w, "10.0.0.31", "10.0.0.32"};
    const time_point start = w.time.now();
    one.first->write(random_bytes(300'000));
    two.first->write(random_bytes(300'000));
    EXPECT_TRUE(
        w.run_until([&] { return one.second->got.size() >= 300'000 && two.second->got.size() >= 300'000; }));
    const duration took = w.time.now() - start;
    EXPECT_GE(took, 450ms);
    EXPECT_LE(took, 501ms);
}

TEST(relay_drain, waits_for_rooms_and_for_those_who_may_enter_one)
{
    world w;
    pair_in_room room{w};
    peer waiting{w, stream_kind::handshake, "10.0.0.5"};
    waiting.write("000001");
    EXPECT_TRUE(w.run_until([&] { return waiting.got.ends_with('\0'); }));
    waiting.got.clear();
    w.relay().drain();
    EXPECT_TRUE(w.relay().draining());
    EXPECT_TRUE(w.run_until([&] { return waiting.ended.has_value(); }));
    EXPECT_EQ(waiting.got, "0000090000");
    peer late{w, stream_kind::handshake, "10.0.0.6"};
    EXPECT_TRUE(w.run_until([&] { return late.ended.has_value(); }));
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::stopping});
    waiting.stream.close();

    room.first->write("still here");
    EXPECT_TRUE(w.run_until([&] { return room.second->got.ends_with("still here"); }));
    EXPECT_FALSE(w.relay_ended);
    room.first->shutdown_send_after_writes();
    room.second->shutdown_send_after_writes();
    EXPECT_TRUE(w.run_until([&] { return w.relay_ended; }));
}

TEST(relay_drain, without_anybody_is_over_at_once)
{
    world w;
    w.relay().drain();
    EXPECT_TRUE(w.run_until([&] { return w.relay_ended; }));
}

} // namespace
} // namespace parley::test
