#include "unit/relay/intake_callers.hpp"

#include <gmock/gmock.h>

namespace parley::test {
namespace {

const std::string large_file(16u << 20, 'x');

relay_server_options with_site(relay_server_options options = {})
{
    const auto file = [](const char* path, const char* type, std::string_view content) {
        static_file out;
        out.path = path;
        out.content_type = type;
        out.etag = "1a";
        out.identity = as_bytes(content);
        return out;
    };
    options.site = std::make_shared<const static_site>(std::vector<static_file>{
        file("/index.html", "text/html", "the page"), file("/app.js", "text/javascript", "the script"),
        file("/large", "text/plain", large_file)});
    return options;
}

std::string get(const std::string& path, const std::string& headers = {})
{
    return "GET " + path + " HTTP/1.1\r\nHost: relay\r\n" + headers + "\r\n";
}

std::size_t occurrences(std::string_view text, std::string_view part)
{
    std::size_t out = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++out;
    return out;
}

TEST(intake_http, serves_a_page_where_websockets_are_opened)
{
    world w{over::tcp, with_site()};
    for (const char* path : {"/", "/?x", "/index.html", "/lobby/one", "/lobby/index.html"}) {
        caller browser{w, get(path)};
        EXPECT_TRUE(browser.hears("the page")) << path;
        EXPECT_TRUE(browser.hears("Content-Security-Policy: default-src 'none';")) << path;
    }
    for (const char* path : {"/app.js", "/lobby/app.js"}) {
        caller browser{w, get(path)};
        EXPECT_TRUE(browser.hears("the script")) << path;
    }
    EXPECT_TRUE(w.log.rejections.empty());
    for (const char* path :
         {"/favicon.ico", "/lobby/", "/lobby/a%20b", "/lobby/x/app.js", "/lobby", "//", "*"}) {
        caller browser{w, get(path)};
        EXPECT_TRUE(browser.hears("HTTP/1.1 404")) << path;
        EXPECT_TRUE(browser.is_closed()) << path;
    }
    caller post{w, "POST / HTTP/1.1\r\nHost: relay\r\nContent-Length: 0\r\n\r\n"};
    EXPECT_TRUE(post.hears("HTTP/1.1 405"));
    EXPECT_TRUE(post.is_closed());
    caller peer{w, websocket_hello("/")}, lobby{w, websocket_hello("/lobby/app.js")}, raw{w, client_hello};
    for (caller* each : {&peer, &lobby, &raw}) EXPECT_NE(each->identity(), "nothing");

    relay_server_options without = with_site();
    without.lobbies = false;
    world other{over::tcp, without};
    caller browser{other, get("/lobby/one")};
    EXPECT_TRUE(browser.hears("HTTP/1.1 404"));
}

TEST(intake_http, serves_the_page_at_the_path_of_its_address)
{
    relay_server_options options = with_site();
    options.handshake_addresses = {{"ws", "127.0.0.1", 0, "/base/relay"}};
    asio::io_context context;
    relay_log log;
    relay_server relay{context.get_executor(), options, log};
    ASSERT_FALSE(relay.listen());
    bool ended = false;
    asio::co_spawn(context, relay.run(), [&](std::exception_ptr, error_code) { ended = true; });
    const auto ask = [&](const std::string& text) {
        asio::ip::tcp::socket socket{context};
        socket.connect(relay.bound_handshake_endpoints().front());
        raw_peer peer{make_tcp_stream(std::move(socket))};
        peer.start_reading();
        peer.write(text);
        while (!peer.ended) context.run_one_for(std::chrono::seconds{1});
        return peer.got;
    };
    const std::string once = "Connection: close\r\n";
    EXPECT_THAT(ask(get("/base/relay", once)), ::testing::EndsWith("the page"));
    EXPECT_THAT(ask(get("/base/app.js", once)), ::testing::EndsWith("the script"));
    EXPECT_THAT(ask(get("/lobby/one", once)), ::testing::EndsWith("the page"));
    for (const char* path : {"/", "/app.js", "/base", "/base/", "/baseapp.js"})
        EXPECT_THAT(ask(get(path, once)), ::testing::StartsWith("HTTP/1.1 404")) << path;
    relay.stop();
    while (!ended) context.run_one_for(std::chrono::seconds{1});
}

TEST(intake_http, a_connection_brings_several_requests_and_then_a_peer)
{
    relay_server_options options = with_site();
    options.time = nullptr; // the world's
    world w{over::tcp, options};
    caller browser{w, get("/") + get("/app.js")};
    EXPECT_TRUE(browser.hears("the script"));
    browser.peer.write(get("/", "If-None-Match: \"1a\"\r\n"));
    EXPECT_TRUE(browser.hears("HTTP/1.1 304"));
    EXPECT_EQ(w.relay().count().starting, 1u);
    w.time.advance(w.log.rejections.empty() ? options.limits.preamble_timeout / 2 : duration{});
    browser.peer.write(upgrade("/"));
    EXPECT_TRUE(browser.hears("HTTP/1.1 101"));
    // Its preamble has begun again.
    w.time.advance(options.limits.preamble_timeout - duration{1});
    w.settle();
    EXPECT_FALSE(browser.peer.ended);
    browser.peer.write(frame(client_hello));
    EXPECT_NE(browser.identity(), "nothing");
    EXPECT_EQ(w.relay().count().starting, 0u);
    w.time.advance(10 * options.limits.preamble_timeout);
    w.settle();
    EXPECT_FALSE(browser.peer.ended) << "whoever has said hello may wait on";
    EXPECT_TRUE(w.log.rejections.empty());
}

TEST(intake_http, a_preamble_that_begins_again_ends_in_time_too)
{
    relay_server_options options = with_site();
    options.time = nullptr;
    world w{over::tcp, options};
    caller browser{w, get("/")};
    EXPECT_TRUE(browser.hears("the page"));
    w.time.advance(options.limits.preamble_timeout / 2);
    caller silent{w, "0000"};
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == 2; }));
    browser.peer.write(upgrade("/"));
    EXPECT_TRUE(browser.hears("HTTP/1.1 101"));
    w.time.advance(options.limits.preamble_timeout);
    EXPECT_TRUE(browser.is_closed());
    EXPECT_TRUE(silent.is_closed());
    EXPECT_EQ(w.log.rejections, std::vector(2, reject_reason::preamble_timeout));
}

TEST(intake_http, waits_only_so_long_for_another_request)
{
    relay_server_options options = with_site();
    options.time = nullptr;
    world w{over::tcp, options};
    caller browser{w, get("/")}, half{w, get("/") + "GET / HTT"};
    EXPECT_TRUE(browser.hears("the page"));
    EXPECT_TRUE(half.hears("the page"));
    w.time.advance(options.limits.preamble_timeout - duration{1});
    w.settle();
    EXPECT_FALSE(browser.peer.ended || half.peer.ended);
    w.time.advance(std::chrono::seconds{1});
    EXPECT_TRUE(browser.is_closed());
    EXPECT_TRUE(half.is_closed());
    EXPECT_TRUE(w.log.rejections.empty()) << "they were answered";
}

TEST(intake_http, a_slow_reader_gets_time_for_what_it_takes)
{
    relay_server_options options = with_site();
    options.time = nullptr;
    world w{over::tcp, options};
    raw_peer slow{w.connect_raw(stream_kind::handshake)};
    slow.write(get("/large"));
    ASSERT_TRUE(w.run_until([&] { return w.relay().count().starting == 1; }));
    // The system's queues have taken a part; at 8 KiB a second these are minutes.
    ASSERT_TRUE(w.run_until([&] { return slow.writes_under_way == 0; }));
    error_code error;
    byte_vector part(64 * 1024);
    ASSERT_TRUE(w.run_until([&] { return slow.stream.try_read_some(part, error) != 0; }));
    for (int i = 0; i < 20; ++i) w.settle();
    w.time.advance(options.limits.preamble_timeout);
    w.settle();
    EXPECT_EQ(w.relay().count().starting, 1u) << "it has taken some";
    w.time.advance(options.limits.preamble_timeout + std::chrono::seconds{large_file.size() / 8192});
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().starting == 0; }));
    EXPECT_TRUE(w.log.rejections.empty());
    EXPECT_EQ(w.relay().count().connections, 0u);
}

TEST(intake_http, one_address_gets_only_so_many_files_at_once)
{
    relay_server_options options = with_site(trusting({"127.0.0.1"}));
    options.limits.http_per_address = 2;
    world w{over::tcp, options};
    const auto from = [](const char* address) {
        return "PROXY TCP4 " + std::string{address} + " 192.0.2.9 1 80\r\n";
    };
    caller one{w, from("192.0.2.1") + get("/")}, two{w, from("192.0.2.1") + get("/")};
    EXPECT_TRUE(one.hears("the page"));
    EXPECT_TRUE(two.hears("the page"));
    caller three{w, from("192.0.2.1") + get("/")};
    EXPECT_TRUE(three.hears("HTTP/1.1 429"));
    EXPECT_TRUE(three.is_closed());
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::address_http});
    caller other{w, from("192.0.2.2") + get("/")};
    EXPECT_TRUE(other.hears("the page"));
    // A further request takes no further place, and a peer none.
    one.peer.write(get("/app.js"));
    EXPECT_TRUE(one.hears("the script"));
    two.peer.write(websocket_hello("/"));
    EXPECT_NE(two.identity(), "nothing");
    caller again{w, from("192.0.2.1") + get("/")};
    EXPECT_TRUE(again.hears("the page"));
}

TEST(intake_http, the_largest_network_gives_way)
{
    relay_server_options options = with_site(trusting({"127.0.0.1"}));
    options.limits.http = 3;
    world w{over::tcp, options};
    const auto from = [](const char* address) {
        return "PROXY TCP4 " + std::string{address} + " 192.0.2.9 1 80\r\n";
    };
    std::vector<std::unique_ptr<caller>> many;
    for (int i = 0; i < 3; ++i) {
        many.push_back(std::make_unique<caller>(w, from("192.0.2.1") + get("/")));
        EXPECT_TRUE(many.back()->hears("the page"));
    }
    caller same{w, from("192.0.2.1") + get("/")};
    EXPECT_TRUE(same.hears("HTTP/1.1 503"));
    caller other{w, from("198.51.100.1") + get("/")};
    EXPECT_TRUE(other.hears("the page"));
    EXPECT_TRUE(many[2]->is_closed()) << "the newest";
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::http_full});
    same.peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay().count().starting == 3; }));
}

TEST(intake_http, each_request_counts_towards_the_rate_of_its_address)
{
    relay_server_options options = with_site();
    options.time = nullptr;
    options.limits.connections_per_second = 0.5; // five at once
    world w{over::tcp, options};
    std::string many;
    for (int i = 0; i < 8; ++i) many += get("/app.js");
    caller browser{w, many};
    EXPECT_TRUE(browser.is_closed());
    EXPECT_EQ(occurrences(browser.peer.got, "HTTP/1.1 200"), 5u);
    EXPECT_EQ(occurrences(browser.peer.got, "HTTP/1.1 429"), 1u);
    EXPECT_EQ(w.log.rejections, std::vector{reject_reason::connection_rate});
}

TEST(intake_http, a_connection_has_a_last_request)
{
    relay_server_options options = with_site();
    options.limits.connections_per_second = 0;
    world w{over::tcp, options};
    std::string many;
    for (int i = 0; i < 150; ++i) many += get("/app.js");
    caller browser{w, many};
    EXPECT_TRUE(browser.is_closed());
    EXPECT_EQ(occurrences(browser.peer.got, "HTTP/1.1 200"), 100u);
    EXPECT_EQ(occurrences(browser.peer.got, "Connection: close"), 1u);
}

TEST(intake_http, a_proxy_gets_one_answer_for_each_connection)
{
    world w{over::tcp, with_site(trusting({"127.0.0.1"}))};
    caller proxy{w, get("/", "X-Forwarded-For: 192.0.2.1\r\n") + get("/", "X-Forwarded-For: 192.0.2.2\r\n")};
    EXPECT_TRUE(proxy.is_closed()) << "its next request may be another client's";
    EXPECT_EQ(occurrences(proxy.peer.got, "HTTP/1.1 200"), 1u);
    EXPECT_TRUE(proxy.hears("Connection: close"));
}

TEST(intake_http, a_relay_that_drains_does_not_wait_for_requests)
{
    world w{over::tcp, with_site()};
    caller browser{w, get("/")}, busy{w, "GET / HTTP/1.1\r\n"};
    EXPECT_TRUE(browser.hears("the page"));
    w.relay().drain();
    EXPECT_TRUE(browser.is_closed());
    EXPECT_EQ(browser.peer.ended, asio::error::eof) << "in order";
    busy.peer.write("Host: relay\r\n\r\n");
    EXPECT_TRUE(busy.hears("Connection: close"));
    EXPECT_TRUE(busy.hears("the page"));
    busy.peer.stream.close();
    EXPECT_TRUE(w.run_until([&] { return w.relay_ended; }));
    EXPECT_TRUE(w.log.rejections.empty());
}

TEST(intake_http, its_own_pages_may_open_websockets)
{
    world w{over::tcp};
    const auto from = [](const std::string& origin, const std::string& host) {
        std::string out = websocket_hello("/", "Origin: " + origin + "\r\n");
        return out.replace(out.find("Host: relay"), 11, "Host: " + host);
    };
    const std::pair<const char*, const char*> own[] = {
        {"https://relay.example", "relay.example"},     {"HTTPS://Relay.Example", "relay.example"},
        {"http://localhost:9000", "localhost:9000"},    {"http://[::1]:9000", "[::1]:9000"},
        {"https://relay.example", "relay.example:443"}, {"http://relay.example", "relay.example:80"},
    };
    for (const auto& [origin, host] : own) {
        caller page{w, from(origin, host)};
        EXPECT_NE(page.identity(), "nothing") << origin << " " << host;
    }
    EXPECT_TRUE(w.log.rejections.empty());
    const std::pair<const char*, const char*> foreign[] = {
        {"https://evil.example", "relay.example"},
        {"null", "relay.example"},
        {"https://relay.example.evil", "relay.example"},
        {"http://localhost:3000", "localhost:9000"},
        {"http://localhost", "localhost:9000"},
        {"https://relay.example:80", "relay.example"},
        {"http://relay.example", "relay.example:443"},
        {"ftp://relay.example", "relay.example"},
        {"relay.example", "relay.example"},
        {"https://", "relay.example"},
        {"", "relay.example"},
        {"https://relay.example/", "relay.example"},
        {"https://relay.example\r\nOrigin: https://evil.example", "relay.example"},
    };
    for (const auto& [origin, host] : foreign) {
        caller page{w, from(origin, host)};
        EXPECT_TRUE(page.hears("HTTP/1.1 403")) << origin << " " << host;
    }
    EXPECT_EQ(w.log.rejections, std::vector(std::size(foreign), reject_reason::origin));

    relay_server_options options;
    options.allowed_origins = {std::string{any_origin}};
    world open{over::tcp, options};
    caller page{open, from("https://evil.example", "relay.example")};
    EXPECT_NE(page.identity(), "nothing");
}

} // namespace
} // namespace parley::test
