#include "support/actors_world.hpp"

namespace parley::test {
namespace {

constexpr std::string_view closed_by_relay = "0000090000";

// Two peers that agree without any key agreement: to the relay it is all the same.
struct raw_pair {
    explicit raw_pair(world& w)
        : client(w.connect_raw(stream_kind::handshake, "10.0.0.21")),
          server(w.connect_raw(stream_kind::handshake, "10.0.0.22"))
    {
        client.start_reading();
        server.start_reading();
        client.write(relay_uid, packet::hello_as_a_client{});
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with('\0'); }));
        client_identity = client.got.substr(6, client.got.size() - 7);
        server.write(relay_uid, packet::hello_as_a_server{});
        EXPECT_TRUE(w.run_until([&] { return server.got.ends_with('\0'); }));
        server_identity = server.got.substr(6, server.got.size() - 7);
        const std::size_t first = client_identity.size() + 7;
        EXPECT_TRUE(w.run_until([&] { return client.got.size() > first + 6 + 4 + 34; }));
        server_uid = client.got.substr(first + 6, 4);
    }
    void agree(world& w)
    {
        client.write(server_uid + "07" + std::string(32, 'x') + client_identity + '\0');
        EXPECT_TRUE(w.run_until([&] { return server.got.find("07x") != std::string::npos; }));
        server.write(server.got.substr(server.got.find("07x") - 4, 4) + "08");
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with(server_uid + "08"); }));
        client.write(server_uid + "0a");
        EXPECT_TRUE(w.run_until([&] { return client.ended && server.ended; }));
        EXPECT_TRUE(client.got.ends_with("00000e"));
        EXPECT_TRUE(server.got.ends_with("0a"));
    }
    raw_peer client, server;
    std::string client_identity, server_identity, server_uid;
};

class relay : public ::testing::TestWithParam<over> {
protected:
    // An honest transfer, whatever else goes on.
    static void expect_service(world& w)
    {
        send_operation s;
        receive_operation r;
        w.send(s, bytes_source("document", random_bytes(100'000)), "honest");
        w.receive(r, "honest");
        EXPECT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
        EXPECT_TRUE(s.succeeded()) << s.message();
        EXPECT_TRUE(r.succeeded()) << r.message();
    }
};

INSTANTIATE_TEST_SUITE_P(transports, relay, ::testing::Values(over::memory, over::tcp, over::tcp_and_threads),
                         [](const auto& shown) { return name_of(shown.param); });

TEST_P(relay, tells_a_peer_its_identity_and_forgets_it_when_it_goes)
{
    world w{GetParam()};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.start_reading();
    peer.write(relay_uid, packet::hello_as_a_client{});
    ASSERT_TRUE(w.run_until([&] { return peer.got.ends_with('\0'); }));
    EXPECT_TRUE(peer.got.starts_with("000003"));
    EXPECT_EQ(w.relay().count().handshakes, 1u);
    EXPECT_EQ(w.relay().count().peers.clients, 1u);
    EXPECT_EQ(w.log.clients, 1);
    peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().handshakes == 0; }));
    EXPECT_EQ(w.log.balance, 0);
    ASSERT_EQ(w.log.reasons.size(), 1u);
    EXPECT_FALSE(w.log.reasons[0]);
}

TEST_P(relay, hears_packets_in_any_split)
{
    world w{GetParam()};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.start_reading();
    for (const char c : std::string_view{"000001"}) {
        peer.write(std::string_view{&c, 1});
        ASSERT_TRUE(w.run_until([&] { return peer.writes_under_way == 0; }));
        w.settle();
    }
    ASSERT_TRUE(w.run_until([&] { return peer.got.ends_with('\0'); }));
}

TEST_P(relay, garbage_is_answered_and_closed)
{
    world w{GetParam()};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.start_reading();
    peer.write("HELO relay\r\n");
    ASSERT_TRUE(w.run_until([&] { return peer.ended.has_value(); }));
    EXPECT_EQ(peer.got, closed_by_relay);
    EXPECT_EQ(*peer.ended, asio::error::eof) << "not a reset, over which the answer could be lost";
    peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.log.balance == 0; }));
    EXPECT_EQ(w.log.reasons.back(), errc::bad_uid_digit);
    expect_service(w);
}

TEST_P(relay, half_packets_and_silence_disturb_nobody)
{
    world w{GetParam()};
    raw_peer half{w.connect_raw(stream_kind::handshake)}, silent{w.connect_raw(stream_kind::handshake)},
        half_line{w.connect_raw(stream_kind::room)}, silent_room{w.connect_raw(stream_kind::room)};
    half.write("00000");
    half_line.write("10.0.0");
    expect_service(w);
    half.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == 3; })) << "it never was a peer";
}

TEST_P(relay, a_peer_waits_only_so_long)
{
    relay_server_options options;
    options.time = nullptr; // the world's
    world w{GetParam(), options};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.start_reading();
    peer.write(relay_uid, packet::hello_as_a_client{});
    ASSERT_TRUE(w.run_until([&] { return peer.got.ends_with('\0'); }));
    w.time.advance(options.relay.peer_timeout - duration{1});
    w.settle();
    EXPECT_FALSE(peer.ended);
    w.time.advance(duration{1});
    ASSERT_TRUE(w.run_until([&] { return peer.ended.has_value(); }));
    EXPECT_TRUE(peer.got.ends_with("00000f"));
}

TEST_P(relay, stops_in_order)
{
    world w{GetParam()};
    raw_peer peer{w.connect_raw(stream_kind::handshake)}, room_connection{w.connect_raw(stream_kind::room)};
    peer.start_reading();
    room_connection.start_reading();
    peer.write(relay_uid, packet::hello_as_a_client{});
    const auto entered = [&] { return w.relay().count().room_peers + w.relay().count().starting == 1; };
    ASSERT_TRUE(w.run_until([&] { return peer.got.ends_with('\0') && entered(); }));
    w.relay().stop();
    ASSERT_TRUE(w.run_until([&] { return peer.ended && room_connection.ended; }));
    EXPECT_TRUE(peer.got.ends_with(closed_by_relay));
    EXPECT_FALSE(w.relay_ended) << "it waits for the peer's end";
    peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay_ended; }));
    EXPECT_EQ(w.log.balance, 0);
}

TEST_P(relay, a_second_stop_waits_for_nobody)
{
    world w{GetParam()};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().handshakes + w.relay().count().starting == 1; }));
    w.relay().stop();
    w.relay().stop();
    ASSERT_TRUE(w.run_until([&] { return w.relay_ended; }, std::chrono::seconds{3}));
}

TEST_P(relay, resets_rooms_when_it_stops)
{
    world w{GetParam()};
    send_operation s;
    receive_operation r;
    s.log.on_phase = [&](const std::string& phase) {
        if (phase == "progress") asio::post(w.context, [&] { w.relay().stop(); });
    };
    w.send(s, bytes_source("document", random_bytes(30'000'000)), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
    EXPECT_EQ(s.error(), errc::peer_disconnected);
    EXPECT_EQ(r.error(), errc::peer_disconnected);
    EXPECT_TRUE(r.destination.names().empty());
}

TEST_P(relay, refuses_whom_its_owner_refuses)
{
    int asked = 0;
    relay_server_options options;
    options.admit = [&](const identity& who, relay_channel channel) {
        ++asked;
        EXPECT_FALSE(who.empty());
        return channel != relay_channel::handshake;
    };
    world w{GetParam(), options};
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.start_reading();
    ASSERT_TRUE(w.run_until([&] { return peer.ended.has_value(); }));
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(w.log.balance, 0);
}

TEST_P(relay, room_answers)
{
    relay_server_options options;
    options.time = nullptr; // the world's
    world w{GetParam(), options};
    raw_peer nobody{w.connect_raw(stream_kind::room)}, malformed{w.connect_raw(stream_kind::room)};
    nobody.start_reading();
    malformed.start_reading();
    nobody.write("10.9.9.9:1\n");
    malformed.write(std::string(200, 'x'));
    ASSERT_TRUE(w.run_until([&] { return nobody.ended && malformed.ended; }));
    EXPECT_EQ(nobody.got, "02");
    EXPECT_EQ(malformed.got, "02");
    EXPECT_EQ(*malformed.ended, asio::error::eof);

    raw_pair pair{w};
    pair.agree(w);
    raw_peer alone{w.connect_raw(stream_kind::room, "10.0.0.21")};
    alone.start_reading();
    alone.write(pair.server_identity + "\n");
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().places.waiting == 1; }));
    w.time.advance(options.rooms.room_timeout - duration{1});
    w.settle();
    EXPECT_FALSE(alone.ended);
    w.time.advance(duration{1});
    ASSERT_TRUE(w.run_until([&] { return alone.ended.has_value(); }));
    EXPECT_EQ(alone.got, "01");
    EXPECT_EQ(w.log.opened, 0);
}

TEST_P(relay, a_line_takes_only_so_long)
{
    relay_server_options options;
    options.limits.preamble_timeout = std::chrono::milliseconds{20};
    world w{GetParam(), options};
    raw_peer slow{w.connect_raw(stream_kind::room)};
    slow.start_reading();
    slow.write("10.0");
    ASSERT_TRUE(w.run_until([&] { return slow.ended.has_value(); }));
    EXPECT_EQ(slow.got, "02");
}

TEST_P(relay, bytes_behind_the_line_belong_to_the_room)
{
    for (const std::size_t early : {1u, 1000u, 200'000u}) {
        world w{GetParam()};
        raw_pair pair{w};
        pair.agree(w);
        const byte_vector much = random_bytes(early);
        const std::string text{as_text(much)};
        raw_peer server{w.connect_raw(stream_kind::room, "10.0.0.22")};
        server.start_reading();
        server.write(pair.client_identity + "\n" + text);
        w.settle();
        raw_peer client{w.connect_raw(stream_kind::room, "10.0.0.21")};
        client.start_reading();
        client.write(pair.server_identity + "\nand back");
        ASSERT_TRUE(w.run_until([&] { return client.got.size() == 2 + early && server.got.size() == 10; }));
        EXPECT_TRUE(client.got == "00" + text);
        EXPECT_EQ(server.got, "00and back");
        server.shutdown_send();
        client.shutdown_send();
        ASSERT_TRUE(w.run_until([&] { return w.log.rooms.size() == 1; }));
        EXPECT_FALSE(w.log.rooms[0].why);
        EXPECT_EQ(w.log.rooms[0].server_to_client_bytes, early);
        EXPECT_EQ(w.log.rooms[0].client_to_server_bytes, 8u);
    }
}

TEST_P(relay, a_peer_that_leaves_its_place_may_come_back)
{
    world w{GetParam()};
    raw_pair pair{w};
    pair.agree(w);
    {
        raw_peer server{w.connect_raw(stream_kind::room, "10.0.0.22")};
        server.write(pair.client_identity + "\n");
        ASSERT_TRUE(w.run_until([&] { return w.relay().count().places.waiting == 1; }));
        server.stream.close();
        ASSERT_TRUE(w.run_until([&] { return w.relay().count().room_peers == 0; }));
    }
    raw_peer server{w.connect_raw(stream_kind::room, "10.0.0.22")},
        client{w.connect_raw(stream_kind::room, "10.0.0.21")};
    server.start_reading();
    client.start_reading();
    server.write(pair.client_identity + "\n");
    client.write(pair.server_identity + "\n");
    ASSERT_TRUE(w.run_until([&] { return server.got == "00" && client.got == "00"; }));
    server.stream.close();
    client.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.log.rooms.size() == 1; }));
}

TEST(relay_server, a_reader_too_slow_for_its_queue_is_dropped)
{
    relay_server_options options;
    options.max_queue_bytes = 4000;
    options.relay.announcement_interval = duration::zero();
    world w{over::memory, options};
    w.memory_capacity = 100;
    raw_peer slow{w.connect_raw(stream_kind::handshake)};
    slow.write(relay_uid, packet::hello_as_a_client{});
    w.settle();
    w.memory_capacity = 64 * 1024;
    raw_peer fast{w.connect_raw(stream_kind::handshake)};
    fast.start_reading();
    fast.write(relay_uid, packet::hello_as_a_client{});
    std::vector<std::unique_ptr<raw_peer>> servers;
    for (int i = 0; i < 100; ++i) {
        servers.push_back(std::make_unique<raw_peer>(w.connect_raw(stream_kind::handshake)));
        servers.back()->write(relay_uid, packet::hello_as_a_server{});
        w.settle();
    }
    EXPECT_EQ(w.log.overflows, 1);
    ASSERT_EQ(w.log.reasons.size(), 1u);
    EXPECT_EQ(w.log.reasons[0], errc::queue_overflow);
    EXPECT_EQ(w.relay().count().handshakes, 101u);
    EXPECT_FALSE(fast.ended);
    EXPECT_GT(fast.got.size(), 100u * 50);
    slow.start_reading();
    w.settle();
    ASSERT_TRUE(slow.ended);
    EXPECT_EQ(*slow.ended, asio::error::connection_reset);
}

TEST(relay_server, repeated_hellos_are_answered_to_who_reads_only)
{
    world w{over::memory};
    w.memory_capacity = 100;
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    for (int i = 0; i < 2000; ++i) {
        peer.write(relay_uid, packet::hello_as_a_client{});
        w.settle();
    }
    EXPECT_LT(w.log.clients, 1000);
    EXPECT_EQ(w.log.overflows, 0);
    peer.start_reading();
    w.settle();
    EXPECT_LT(peer.got.size(), 4096u + 200u);
    const std::size_t before = peer.got.size();
    peer.write(relay_uid, packet::hello_as_a_client{});
    w.settle();
    EXPECT_GT(peer.got.size(), before);
}

TEST(relay_server, a_closed_peer_that_does_not_read_is_not_waited_for)
{
    relay_server_options options;
    options.time = nullptr; // the world's
    world w{over::memory, options};
    w.memory_capacity = 4;
    raw_peer peer{w.connect_raw(stream_kind::handshake)};
    peer.write("zzzz");
    w.pass(options.linger_timeout - duration{1});
    EXPECT_EQ(w.log.balance, 1);
    w.pass(duration{1});
    EXPECT_EQ(w.log.balance, 0);
    ASSERT_EQ(w.log.reasons.size(), 1u);
    EXPECT_EQ(w.log.reasons[0], errc::bad_uid_digit);
}

TEST(relay_server, a_rejected_peer_that_does_not_leave_is_not_waited_for)
{
    relay_server_options options;
    options.time = nullptr; // the world's
    world w{over::memory, options};
    raw_peer peer{w.connect_raw(stream_kind::room)};
    peer.start_reading();
    peer.write("10.9.9.9:1\n");
    w.pass(options.linger_timeout - duration{1});
    EXPECT_EQ(peer.got, "02");
    EXPECT_EQ(w.log.balance, 1);
    w.pass(duration{1});
    EXPECT_EQ(w.log.balance, 0);
}

TEST(relay_server, numbers_of_connections_are_used_again)
{
    world w;
    for (int i = 0; i < 300; ++i) {
        raw_peer peer{w.connect_raw(stream_kind::handshake)};
        peer.start_reading();
        peer.write(relay_uid, packet::hello_as_a_client{});
        w.settle();
        EXPECT_TRUE(peer.got.ends_with('\0'));
        peer.stream.close();
        w.settle();
    }
    EXPECT_EQ(w.log.balance, 0);
    EXPECT_EQ(w.relay().count().handshakes, 0u);
}

TEST(relay_server, says_where_it_cannot_listen)
{
    asio::io_context context{1};
    asio::ip::tcp::acceptor taken{context, {asio::ip::address_v4::loopback(), 0}};
    relay_server_options options;
    options.handshake_addresses = {{"tcp", "127.0.0.1", 0}};
    options.room_addresses = {{"tcp", "127.0.0.1", taken.local_endpoint().port()}};
    relay_observer silent;
    relay_server server{context.get_executor(), options, silent};
    diagnostics diag;
    EXPECT_TRUE(server.listen(&diag));
    EXPECT_NE(diag.message().find(std::to_string(taken.local_endpoint().port())), std::string::npos)
        << diag.message();
    EXPECT_TRUE(server.bound_handshake_endpoints().empty()) << "none or all";
}

TEST(relay_server, cancelling_run_stops_it)
{
    asio::io_context context{1};
    relay_server_options options;
    options.handshake_addresses = {{"tcp", "127.0.0.1", 0}};
    relay_observer silent;
    relay_server server{context.get_executor(), options, silent};
    asio::cancellation_signal cancel;
    std::optional<error_code> ended;
    asio::co_spawn(context, server.run(),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr, error_code error) { ended = error; }));
    context.poll();
    EXPECT_EQ(server.bound_handshake_endpoints().size(), 1u);
    EXPECT_FALSE(ended);
    cancel.emit(asio::cancellation_type::terminal);
    context.restart();
    context.poll();
    ASSERT_TRUE(ended);
    EXPECT_FALSE(*ended);
}

} // namespace
} // namespace parley::test
