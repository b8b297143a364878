#include "unit/relay/intake_callers.hpp"

#include "relay/intake/intake.hpp"

namespace parley::test {
namespace {

TEST(intake, either_port_serves_both)
{
    for (const stream_kind channel : {stream_kind::handshake, stream_kind::room}) {
        world w{over::tcp};
        caller peer{w, client_hello, channel};
        EXPECT_TRUE(peer.identity().starts_with("127.0.0.1:"));
        caller line{w, "192.0.2.1:4711\n", channel};
        EXPECT_TRUE(line.hears("02"));
        caller six{w, "[2001:db8::1]:4711\n", channel};
        EXPECT_TRUE(six.hears("02"));
        caller web{w, websocket_hello("/"), channel};
        EXPECT_TRUE(web.identity().starts_with("127.0.0.1:"));
        caller browser{w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", channel};
        EXPECT_TRUE(browser.hears("426"));
    }
}

TEST(intake, refuses_pages_of_other_origins)
{
    relay_server_options options;
    options.allowed_origins = {"https://relay.example", "http://localhost:8080"};
    world w{over::tcp, options};
    for (const char* origin : {"", "Origin: https://relay.example\r\n", "origin: HTTPS://Relay.example\r\n",
                               "Origin: http://localhost:8080\r\n"})
        EXPECT_TRUE((caller{w, websocket_hello("/", origin)}.identity().starts_with("127.0.0.1:"))) << origin;
    EXPECT_FALSE(has(w, reject_reason::origin));
    for (const char* origin :
         {"Origin: https://evil.example\r\n", "Origin: null\r\n", "Origin: https://relay.example.evil\r\n",
          "Origin:\r\n", "Origin: http://relay.example\r\n",
          "Origin: https://relay.example\r\nOrigin: https://evil.example\r\n"}) {
        caller page{w, websocket_hello("/", origin)};
        EXPECT_TRUE(page.hears("403")) << origin;
    }
    EXPECT_EQ(std::count(w.log.rejections.begin(), w.log.rejections.end(), reject_reason::origin), 6);
}

TEST(intake, refuses_requests_that_two_programs_may_read_differently)
{
    world w{over::tcp};
    for (const char* header : {"Host: other\r\n", "X-Name: a\r\n b\r\n", "X-Name: a\r\n\tb\r\n"}) {
        caller peer{w, websocket_hello("/", header)};
        EXPECT_TRUE(peer.hears("HTTP/1.1 400")) << header;
    }
    EXPECT_TRUE(has(w, reject_reason::bad_http));
}

TEST(intake, one_byte_at_a_time)
{
    world w{over::tcp, trusting({"127.0.0.0/8"})};
    const std::string v2 =
        std::string{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\2\xc0\0\2\xff\0\x50\0\x50"sv};
    for (const std::string& text :
         {std::string{client_hello}, "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n" + std::string{client_hello},
          v2 + std::string{client_hello}, websocket_hello("/", "X-Forwarded-For: 192.0.2.3:7\r\n")}) {
        caller peer{w, ""};
        for (const char c : text) {
            peer.peer.write(std::string_view{&c, 1});
            ASSERT_TRUE(w.run_until([&] { return peer.peer.writes_under_way == 0; }));
            w.settle();
        }
        EXPECT_NE(peer.identity(), "nothing") << escaped(text);
    }
    EXPECT_TRUE(w.log.rejections.empty());
}

TEST(intake, believes_a_proxy_that_is_trusted)
{
    world w{over::tcp, trusting({"127.0.0.1"})};
    caller v1{w, "PROXY TCP4 192.0.2.1 192.0.2.9 4711 80\r\n000001"};
    EXPECT_EQ(v1.identity(), "192.0.2.1:4711");
    caller six{w, "PROXY TCP6 2001:db8::1 ::1 4711 80\r\n000001"};
    EXPECT_EQ(six.identity(), "[2001:db8::1]:4711");
    caller unknown{w, "PROXY UNKNOWN\r\n000001"};
    EXPECT_TRUE(unknown.identity().starts_with("127.0.0.1:"));
    caller header{w, websocket_hello("/", "X-Forwarded-For: 10.9.9.9, 192.0.2.2:5\r\n")};
    EXPECT_EQ(header.identity(), "192.0.2.2:5");
    caller rfc{w, websocket_hello("/", "Forwarded: for=\"[2001:db8::2]:6\";proto=https\r\n")};
    EXPECT_EQ(rfc.identity(), "[2001:db8::2]:6");
    caller real{w, websocket_hello("/", "X-Real-IP: 192.0.2.3\r\nX-Real-Port: 7\r\n")};
    EXPECT_EQ(real.identity(), "192.0.2.3:7");
    caller none{w, websocket_hello("/")};
    EXPECT_TRUE(none.identity().starts_with("127.0.0.1:"));
    // A proxy behind a proxy: the inner one's word counts as long as it is trusted, too.
    caller chain{w, "PROXY TCP4 192.0.2.4 192.0.2.9 8 80\r\n" +
                        websocket_hello("/", "X-Forwarded-For: 192.0.2.5\r\n")};
    EXPECT_EQ(chain.identity(), "192.0.2.4:8");
    EXPECT_TRUE(w.log.rejections.empty());
}

TEST(intake, believes_nobody_else)
{
    world w{over::tcp, trusting({"10.0.0.0/8"})};
    caller header{
        w, websocket_hello(
               "/", "X-Forwarded-For: 192.0.2.2:5\r\nForwarded: for=192.0.2.2\r\nX-Real-IP: junk\r\n")};
    EXPECT_TRUE(header.identity().starts_with("127.0.0.1:"));
    EXPECT_TRUE(w.log.rejections.empty());
    caller v1{w, "PROXY TCP4 192.0.2.1 192.0.2.9 4711 80\r\n000001"};
    EXPECT_TRUE(v1.is_closed());
    EXPECT_EQ(v1.peer.got, "");
    caller v2{w, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"sv};
    EXPECT_TRUE(v2.is_closed());
    EXPECT_EQ(w.log.rejections,
              (std::vector{reject_reason::untrusted_proxy, reject_reason::untrusted_proxy}));
    EXPECT_TRUE(w.log.rejected_peers[0].starts_with("127.0.0.1:"));
}

TEST(intake, broken_headers_of_a_trusted_proxy)
{
    world w{over::tcp, trusting({"127.0.0.1"})};
    caller v1{w, "PROXY TCP4 192.0.2.1\r\n000001"};
    EXPECT_TRUE(v1.is_closed());
    EXPECT_TRUE(has(w, reject_reason::bad_proxy_header));
    caller twice{w, "PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n000001"};
    EXPECT_TRUE(twice.is_closed());
    EXPECT_TRUE(has(w, reject_reason::unrecognised));
    caller list{w, websocket_hello("/", "X-Forwarded-For: junk\r\n")};
    EXPECT_TRUE(list.hears("HTTP/1.1 400"));
    EXPECT_TRUE(list.is_closed());
    EXPECT_TRUE(has(w, reject_reason::bad_forwarded));
}

TEST(intake, live_identities_stay_unique)
{
    world w{over::tcp, trusting({"127.0.0.1"})};
    const std::string hello = "PROXY TCP4 192.0.2.1 192.0.2.9 4711 80\r\n000001";
    caller one{w, hello}, two{w, hello}, three{w, hello};
    std::set<std::string> names{one.identity(), two.identity(), three.identity()};
    EXPECT_EQ(names.size(), 3u);
    EXPECT_TRUE(names.contains("192.0.2.1:4711"));
    for (const std::string& name : names) EXPECT_TRUE(name.starts_with("192.0.2.1:")) << name;
    // No port was given: one is found.
    caller four{w, websocket_hello("/", "X-Real-IP: 192.0.2.1\r\n")};
    caller five{w, websocket_hello("/", "X-Real-IP: 192.0.2.1\r\n")};
    names.insert(four.identity());
    names.insert(five.identity());
    EXPECT_EQ(names.size(), 5u);
    EXPECT_FALSE(names.contains("192.0.2.1:0"));
    one.peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().handshakes == 4; }));
    caller again{w, hello};
    EXPECT_EQ(again.identity(), "192.0.2.1:4711") << "free again";
    // One who comes directly and has the identity that a proxy's client has.
    asio::ip::tcp::socket socket{w.context};
    socket.open(asio::ip::tcp::v4());
    socket.bind({asio::ip::make_address("127.0.0.1"), 0});
    const auto port = std::to_string(socket.local_endpoint().port());
    caller taken{w, "PROXY TCP4 127.0.0.1 127.0.0.1 " + port + " 80\r\n000001"};
    EXPECT_EQ(taken.identity(), "127.0.0.1:" + port);
    socket.connect(w.relay().bound_handshake_endpoints().front());
    raw_peer direct{make_tcp_stream(std::move(socket))};
    direct.start_reading();
    direct.write(client_hello);
    ASSERT_TRUE(w.run_until([&] { return direct.got.ends_with('\0'); }));
    EXPECT_NE(direct.got, taken.peer.got);
}

TEST(intake, the_rooms_same_address_rule_holds_behind_a_proxy)
{
    world w{over::tcp, trusting({"127.0.0.1"})};
    const auto from = [](const char* address, int port) {
        return "PROXY TCP4 " + std::string{address} + " 192.0.2.9 " + std::to_string(port) + " 80\r\n";
    };
    caller client{w, from("192.0.2.1", 1) + "000001"};
    caller server{w, from("192.0.2.2", 2) + "000000" + std::string(34, 'p')};
    ASSERT_TRUE(client.hears("192.0.2.2:2"));
    const std::string uid = client.peer.got.substr(client.peer.got.find("000004") + 6, 4);
    client.peer.write(uid + "07" + std::string(32, 'x') + "192.0.2.1:1" + '\0');
    ASSERT_TRUE(server.hears("07x"));
    server.peer.write(server.peer.got.substr(server.peer.got.find("07x") - 4, 4) + "08");
    ASSERT_TRUE(client.hears(uid + "08"));
    client.peer.write(uid + "0a");
    ASSERT_TRUE(client.is_closed());
    caller thief{w, from("192.0.2.3", 3) + "192.0.2.2:2\n", stream_kind::room};
    EXPECT_TRUE(thief.hears("02"));
    caller direct{w, "192.0.2.2:2\n", stream_kind::room};
    EXPECT_TRUE(direct.hears("02"));
    caller right{w, from("192.0.2.1", 4) + "192.0.2.2:2\n", stream_kind::room};
    caller other{w, from("192.0.2.2", 5) + "192.0.2.1:1\nfirst", stream_kind::handshake};
    EXPECT_TRUE(right.hears("00first"));
    EXPECT_TRUE(other.hears("00"));
}

TEST(intake, takes_only_so_long)
{
    relay_server_options options = trusting({"127.0.0.1"});
    options.time = nullptr; // the world's
    world w{over::tcp, options};
    const std::vector<std::string> starts{
        "",          "0",        "0000",     "000000ppp",  "10.0.0",
        "GET / HTT", "PROXY TC", "\r\n\r\n", upgrade("/"), upgrade("/") + frame("0000"),
        "00010a"};
    std::vector<std::unique_ptr<caller>> slow;
    for (const std::string& text : starts) slow.push_back(std::make_unique<caller>(w, text));
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == starts.size(); }));
    w.time.advance(options.limits.preamble_timeout - duration{1});
    w.settle();
    EXPECT_EQ(w.relay().count().starting, starts.size());
    w.time.advance(duration{1});
    for (const auto& each : slow) EXPECT_TRUE(each->is_closed());
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == 0; }));
    EXPECT_EQ(w.log.rejections, std::vector<reject_reason>(starts.size(), reject_reason::preamble_timeout));
    // Whoever has said hello may wait on.
    caller honest{w, client_hello};
    EXPECT_NE(honest.identity(), "nothing");
    w.time.advance(10 * options.limits.preamble_timeout);
    w.settle();
    EXPECT_FALSE(honest.peer.ended);
}

TEST(intake, takes_only_so_many_bytes)
{
    relay_server_options options;
    options.limits.preamble_bytes = 2000;
    world w{over::tcp, options};
    std::string packets;
    while (packets.size() < 4000) packets += "00010a"; // forwarded to nobody
    caller talker{w, packets};
    EXPECT_TRUE(talker.is_closed());
    caller head{w, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"};
    EXPECT_TRUE(head.hears("HTTP/1.1 431"));
    head.peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.log.rejections.size() == 2; }));
    EXPECT_EQ(w.log.rejections,
              (std::vector{reject_reason::preamble_too_long, reject_reason::preamble_too_long}));
    caller fine{w, packets.substr(0, 1200) + std::string{client_hello}};
    EXPECT_NE(fine.identity(), "nothing");
    EXPECT_EQ(w.log.drops.size(), 200u);
}

TEST(intake, an_address_that_serves_less)
{
    relay_server_options options;
    options.http_addresses = {{"tcp", "127.0.0.1", 0}};
    options.http = [](const relay_http_call& call) -> std::optional<http_answer> {
        EXPECT_TRUE(call.who.text().starts_with("127.0.0.1:"));
        http_answer out;
        out.body = call.own_address ? "own" : "shared";
        if (call.request.path() != "/metrics") return std::nullopt;
        return out;
    };
    world w{over::tcp, options};
    const auto own = w.relay().bound_http_texts();
    ASSERT_EQ(own.size(), 1u);
    const auto port = static_cast<std::uint16_t>(std::stoi(own[0].substr(own[0].rfind(':') + 1)));
    const auto ask = [&](std::string_view text) {
        asio::ip::tcp::socket socket{w.context};
        socket.connect({asio::ip::make_address("127.0.0.1"), port});
        raw_peer peer{make_tcp_stream(std::move(socket))};
        peer.start_reading();
        peer.write(text);
        EXPECT_TRUE(w.run_until([&] { return peer.ended.has_value(); }));
        return peer.got;
    };
    EXPECT_TRUE(ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("own"));
    EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404"));
    EXPECT_TRUE(ask(upgrade("/")).starts_with("HTTP/1.1 404"));
    EXPECT_EQ(ask(client_hello), "");
    EXPECT_EQ(ask("10.0.0.1:1\n"), "");
    caller shared{w, "GET /metrics?x HTTP/1.1\r\nHost: a\r\n\r\n"};
    EXPECT_TRUE(shared.hears("shared"));
    EXPECT_EQ(w.log.rejections, (std::vector{reject_reason::no_such_path, reject_reason::no_such_path,
                                             reject_reason::unrecognised, reject_reason::unrecognised}));
}

std::string own_http(world& w, std::string_view text)
{
    const std::string own = w.relay().bound_http_texts().at(0);
    asio::ip::tcp::socket socket{w.context};
    socket.connect({asio::ip::make_address("127.0.0.1"),
                    static_cast<std::uint16_t>(std::stoi(own.substr(own.rfind(':') + 1)))});
    raw_peer peer{make_tcp_stream(std::move(socket))};
    peer.start_reading();
    peer.write(text);
    EXPECT_TRUE(w.run_until([&] { return peer.ended.has_value() || text.empty(); }));
    w.settle();
    return peer.got;
}

TEST(intake, answers_on_its_own_address_while_the_relay_is_full)
{
    relay_server_options options;
    options.limits.connections = 3;
    options.limits.connections_per_address = 3;
    options.http_addresses = {{"tcp", "127.0.0.1", 0}};
    options.http = [](const relay_http_call&) { return http_answer{200, "healthy"}; };
    world w{over::tcp, options};
    std::vector<std::unique_ptr<caller>> taken;
    for (int i = 0; i < 3; ++i) taken.push_back(std::make_unique<caller>(w, client_hello));
    for (const auto& each : taken) EXPECT_NE(each->identity(), "nothing");
    caller refused{w, client_hello};
    EXPECT_TRUE(refused.is_closed());
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(own_http(w, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("healthy"));
    EXPECT_EQ(w.relay().count().connections, 3u) << "they count nowhere else";
}

TEST(intake, answers_on_its_own_address_in_spite_of_those_who_ask_nothing)
{
    relay_server_options options;
    options.http_addresses = {{"tcp", "127.0.0.1", 0}};
    options.http = [](const relay_http_call&) { return http_answer{200, "healthy"}; };
    world w{over::tcp, options};
    const std::string own = w.relay().bound_http_texts().at(0);
    const auto port = static_cast<std::uint16_t>(std::stoi(own.substr(own.rfind(':') + 1)));
    std::vector<std::unique_ptr<raw_peer>> silent;
    for (int i = 0; i < 40; ++i) {
        asio::ip::tcp::socket socket{w.context};
        socket.connect({asio::ip::make_address("127.0.0.1"), port});
        silent.push_back(std::make_unique<raw_peer>(make_tcp_stream(std::move(socket))));
        silent.back()->start_reading();
    }
    EXPECT_TRUE(w.run_until([&] { return w.log.rejections.size() == 8; }));
    EXPECT_EQ(w.log.rejections, std::vector(8, reject_reason::over_share));
    EXPECT_TRUE(w.run_until([&] { return silent[7]->ended.has_value(); }));
    EXPECT_FALSE(silent[8]->ended);
    EXPECT_TRUE(own_http(w, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("healthy"));
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().starting == 31; }));
}

std::string forwarded(const std::string& address)
{
    return "X-Forwarded-For: " + address + "\r\n";
}

TEST(intake, one_address_opens_only_so_many_lobbies)
{
    relay_server_options options = trusting({"127.0.0.1"});
    options.limits.lobbies_per_address = 2;
    world w{over::tcp, options};
    caller one{w, websocket_hello("/lobby/1", forwarded("192.0.2.1"))},
        two{w, websocket_hello("/lobby/2", forwarded("192.0.2.1"))};
    EXPECT_NE(one.identity(), "nothing");
    EXPECT_NE(two.identity(), "nothing");
    caller three{w, websocket_hello("/lobby/3", forwarded("192.0.2.1"))};
    EXPECT_TRUE(three.hears("HTTP/1.1 429"));
    EXPECT_TRUE(three.hears("Too many lobbies"));
    EXPECT_TRUE(has(w, reject_reason::address_lobbies));
    caller guest{w, websocket_hello("/lobby/1", forwarded("192.0.2.2"))};
    EXPECT_NE(guest.identity(), "nothing");
    // Its opener leaves, and the lobby counts for the guest who keeps it.
    one.peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().handshakes == 2; }));
    caller again{w, websocket_hello("/lobby/3", forwarded("192.0.2.1"))};
    EXPECT_NE(again.identity(), "nothing");
    caller own{w, websocket_hello("/lobby/4", forwarded("192.0.2.2"))};
    EXPECT_NE(own.identity(), "nothing");
    caller more{w, websocket_hello("/lobby/5", forwarded("192.0.2.2"))};
    EXPECT_TRUE(more.hears("HTTP/1.1 429"));
}

TEST(intake, a_lobby_is_opened_when_another_network_has_taken_all)
{
    relay_server_options options = trusting({"127.0.0.1"});
    options.limits.lobbies = 3;
    world w{over::tcp, options};
    std::vector<std::unique_ptr<caller>> taken;
    for (int i = 0; i < 3; ++i) {
        taken.push_back(std::make_unique<caller>(
            w, websocket_hello("/lobby/" + std::to_string(i), forwarded("192.0.2.1"))));
        EXPECT_NE(taken.back()->identity(), "nothing");
    }
    caller refused{w, websocket_hello("/lobby/4", forwarded("192.0.2.1"))};
    EXPECT_TRUE(refused.hears("HTTP/1.1 503"));
    EXPECT_TRUE(refused.hears("The relay is full."));
    caller honest{w, websocket_hello("/lobby/5", forwarded("192.0.2.2"))};
    EXPECT_NE(honest.identity(), "nothing");
    EXPECT_TRUE(taken[2]->hears("0000090000")) << "the newest";
    EXPECT_TRUE(has(w, reject_reason::over_share));
    EXPECT_FALSE(taken[0]->peer.ended || taken[1]->peer.ended);
    EXPECT_EQ(w.relay().count().lobbies, 3u);
    taken[2]->peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().handshakes == 3; }));
}

TEST(intake, lobbies_are_spaces_of_their_own)
{
    relay_server_options options;
    options.limits.lobbies = 2;
    world w{over::tcp, options};
    const std::string server_hello = "000000" + std::string(34, 'p');
    caller server{w, upgrade("/lobby/one") + frame(server_hello)};
    ASSERT_TRUE(server.hears("000002"));
    caller elsewhere{w, websocket_hello("/lobby/two")};
    EXPECT_NE(elsewhere.identity(), "nothing");
    caller everywhere{w, client_hello};
    EXPECT_NE(everywhere.identity(), "nothing");
    EXPECT_EQ(w.relay().count().lobbies, 2u);
    EXPECT_EQ(w.relay().count().peers.clients, 2u);
    caller third{w, websocket_hello("/lobby/three")};
    EXPECT_TRUE(third.hears("HTTP/1.1 503"));
    EXPECT_TRUE(has(w, reject_reason::lobbies_full));
    caller same{w, websocket_hello("/lobby/one")};
    EXPECT_TRUE(same.hears("000004"));
    EXPECT_EQ(elsewhere.peer.got.find("000004"), std::string::npos);
    EXPECT_EQ(everywhere.peer.got.find("000004"), std::string::npos);
    for (caller* each : {&server, &same}) each->peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().lobbies == 1; }))
        << "forgotten with its last peer";
    caller again{w, websocket_hello("/lobby/three")};
    EXPECT_NE(again.identity(), "nothing");
}

TEST(intake, lobbies_have_rooms_of_their_own)
{
    world w{over::tcp};
    caller client{w, websocket_hello("/lobby/one")};
    const std::string client_identity = client.identity();
    caller server{w, upgrade("/lobby/one") + frame("000000" + std::string(34, 'p'))};
    ASSERT_TRUE(client.hears("000004"));
    const std::string announced = client.peer.got.substr(client.peer.got.find("000004") + 6);
    const std::string server_identity = announced.substr(38, announced.size() - 39);
    const std::string uid = announced.substr(0, 4);
    client.peer.write(frame(uid + "07" + std::string(32, 'x') + client_identity + '\0'));
    ASSERT_TRUE(server.hears("07x"));
    server.peer.write(frame(server.peer.got.substr(server.peer.got.find("07x") - 4, 4) + "08"));
    ASSERT_TRUE(client.hears(uid + "08"));
    client.peer.write(frame(uid + "0a"));
    ASSERT_TRUE(client.hears("00000e"));
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().places.agreements == 1; }));
    for (caller* each : {&client, &server}) each->peer.stream.close();
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().handshakes == 0; }));
    w.settle();
    EXPECT_EQ(w.relay().count().lobbies, 1u) << "its room is still to come";
    caller other_lobby{w, upgrade("/", {}, "bob.room") + frame(server_identity + "\n")};
    EXPECT_TRUE(other_lobby.hears("02"));
    caller one{w, upgrade("/lobby/one", {}, "bob.room") + frame(server_identity + "\n")};
    caller two{w, upgrade("/lobby/one", {}, "bob.room") + frame(client_identity + "\nfirst")};
    EXPECT_TRUE(one.hears("00"));
    EXPECT_TRUE(one.hears("first"));
    for (caller* each : {&one, &two}) each->peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().lobbies == 0; }));
}

// Two peers that have agreed over WebSockets, each with what its handshake presented beside the subprotocol.
struct agreed_pair {
    agreed_pair(world& w, const std::string& client_seat, const std::string& server_seat)
        : client(w, upgrade("/", {}, "bob.handshake" + client_seat) + frame(client_hello))
    {
        client_identity = client.identity();
        caller server{w, upgrade("/", {}, "bob.handshake" + server_seat) +
                             frame("000000" + std::string(34, 'p'))};
        EXPECT_TRUE(client.hears("000004"));
        const std::string announced = client.peer.got.substr(client.peer.got.find("000004") + 6);
        server_identity = announced.substr(38, announced.size() - 39);
        client.peer.write(
            frame(announced.substr(0, 4) + "07" + std::string(32, 'x') + client_identity + '\0'));
        EXPECT_TRUE(server.hears("07x"));
        server.peer.write(frame(server.peer.got.substr(server.peer.got.find("07x") - 4, 4) + "08"));
        EXPECT_TRUE(client.hears(announced.substr(0, 4) + "08"));
        client.peer.write(frame(announced.substr(0, 4) + "0a"));
        EXPECT_TRUE(client.hears("00000e"));
        EXPECT_TRUE(w.run_until([&] { return w.relay().count().places.agreements == 1; }));
        for (const caller* each : {&client, &server})
            EXPECT_EQ(each->peer.got.find("bob.seat"), std::string::npos);
    }
    caller client;
    std::string client_identity, server_identity;
};

TEST(intake, a_room_is_entered_with_the_seat_of_its_handshake)
{
    world w{over::tcp};
    const std::string one = ", bob.seat." + std::string(32, 'A'),
                      other = ", bob.seat." + std::string(32, '1');
    agreed_pair pair{w, one, other};
    const auto room = [&](const std::string& seat, const std::string& named) {
        return upgrade("/", {}, "bob.room" + seat) + frame(named + "\nhello");
    };
    for (const std::string& wrong : {std::string{}, other, ", bob.seat." + std::string(31, 'A') + "b"}) {
        caller denied{w, room(wrong, pair.server_identity)};
        EXPECT_TRUE(denied.hears("02")) << wrong;
    }
    caller plain{w, pair.server_identity + "\n", stream_kind::room};
    EXPECT_TRUE(plain.hears("02")) << "nor does another transport enter";
    caller client{w, room(", bob.seat." + std::string(32, 'a'), pair.server_identity)};
    caller server{w, room(other, pair.client_identity)};
    EXPECT_TRUE(client.hears("hello"));
    EXPECT_TRUE(server.hears("hello"));
}

TEST(intake, a_seat_enters_its_room_whoever_polls_for_it)
{
    world w{over::tcp};
    const std::string one = ", bob.seat." + std::string(32, 'A'),
                      other = ", bob.seat." + std::string(32, '1');
    agreed_pair pair{w, one, other};
    for (int i = 0; i < 20; ++i) {
        caller poll{w, pair.server_identity + "\n", stream_kind::room};
        EXPECT_TRUE(poll.hears("02"));
    }
    EXPECT_TRUE(has(w, reject_reason::denied_rate));
    const auto room = [&](const std::string& seat, const std::string& named) {
        return upgrade("/", {}, "bob.room" + seat) + frame(named + "\nhello");
    };
    caller client{w, room(one, pair.server_identity)}, server{w, room(other, pair.client_identity)};
    EXPECT_TRUE(client.hears("hello"));
    EXPECT_TRUE(server.hears("hello"));
}

TEST(intake, a_malformed_seat_is_a_bad_upgrade)
{
    world w{over::tcp};
    caller bad{w, upgrade("/", {}, "bob.handshake, bob.seat.123")};
    EXPECT_TRUE(bad.hears("HTTP/1.1 400"));
    EXPECT_TRUE(bad.is_closed());
    bad.peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return has(w, reject_reason::bad_upgrade); }));
}

TEST(intake, names_of_lobbies)
{
    for (const char* path : {"/lobby/a", "/lobby/A-z_0.9", "/lobby/."})
        EXPECT_EQ(detail::lobby_name_of(path), std::string_view{path}.substr(7)) << path;
    EXPECT_TRUE(detail::lobby_name_of("/lobby/" + std::string(64, 'n')));
    for (const char* path : {"", "/", "/lobby", "/lobby/", "/lobby/a/", "/lobby/a/b", "/lobby/%61",
                             "/lobby/a b", "/Lobby/a", "//lobby/a", "/lobby/\xc3\xa4", "/lobby/a?b"})
        EXPECT_FALSE(detail::lobby_name_of(path)) << path;
    EXPECT_FALSE(detail::lobby_name_of("/lobby/" + std::string(65, 'n')));
    world w{over::tcp};
    caller bad{w, websocket_hello("/lobby/a%20b")};
    EXPECT_TRUE(bad.hears("HTTP/1.1 404"));
    EXPECT_TRUE(bad.is_closed());
    EXPECT_TRUE(has(w, reject_reason::no_such_path));
    relay_server_options options;
    options.lobbies = false;
    world without{over::tcp, options};
    caller any{without, websocket_hello("/lobby/one")};
    EXPECT_NE(any.identity(), "nothing");
    EXPECT_EQ(without.relay().count().lobbies, 0u);
}

TEST(intake, stops_with_those_who_have_not_begun)
{
    world w{over::tcp};
    caller silent{w, "0000"}, half{w, "GET /"};
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == 2; }));
    w.relay().stop();
    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(half.is_closed());
    EXPECT_TRUE(w.run_until([&] { return w.relay_ended; }));
    EXPECT_EQ(w.log.rejections, (std::vector{reject_reason::stopping, reject_reason::stopping}));
}

} // namespace
} // namespace parley::test
