// What a relay bears, and how it drains: relay_limits as a peer meets them.
#include "unit/relay/limited_relay.hpp"

#include <deque>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

TEST(relay_limits, reject_connections_before_anything_is_read)
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
