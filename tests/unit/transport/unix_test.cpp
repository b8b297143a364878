#include <parley/transport/unix.hpp>

#include "support/streams.hpp"

#include <parley/testing/temporary_folder.hpp>

#include <boost/asio/local/connect_pair.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace parley::test {
namespace {

using local = asio::local::stream_protocol;

struct unix_pair {
    any_stream first, second;
};

unix_pair make_unix_pair(asio::io_context& context)
{
    local::socket first{context}, second{context};
    asio::local::connect_pair(first, second);
    return {make_unix_stream(std::move(first)), make_unix_stream(std::move(second))};
}

TEST(unix_stream_test, every_peer_has_an_identity_of_its_own_under_the_users_number)
{
    asio::io_context context;
    unix_pair pair = make_unix_pair(context);
    const identity one = pair.first.remote_identity(), other = pair.second.remote_identity();
    EXPECT_NE(one, other);
    EXPECT_EQ(one.address(), "unix-" + std::to_string(::getuid()));
    EXPECT_EQ(one.address(), other.address());
    EXPECT_EQ(pair.first.remote_address(), one.text());
    EXPECT_FALSE(pair.first.remote_endpoint());
}

TEST(unix_stream_test, an_end_in_order_is_told_from_a_death)
{
    asio::io_context context;
    testing::run_until_done(context, [&]() -> awaitable<void> {
        unix_pair ended = make_unix_pair(context);
        auto failed = co_await write_all(ended.first, "abc");
        EXPECT_FALSE(failed);
        auto shut = co_await ended.first.async_shutdown_send(use_tuple);
        EXPECT_FALSE(std::get<0>(shut));
        auto got = co_await read_to_end(ended.second);
        EXPECT_EQ(got.text, "abc");
        EXPECT_EQ(got.error, asio::error::eof);
        EXPECT_FALSE(ended.second.was_reset());
        failed = co_await write_all(ended.second, "back");
        EXPECT_FALSE(failed);

        unix_pair died = make_unix_pair(context);
        died.first.reset_on_close(true);
        died.first.close();
        got = co_await read_to_end(died.second);
        EXPECT_TRUE(got.error == asio::error::connection_reset || died.second.was_reset());
    });
}

TEST(unix_transport_test, listens_and_connects_by_address)
{
    const testing::temporary_folder folder;
    asio::io_context context;
    const std::string text = "unix:" + (folder / "s").string();
    const auto where = listen_address::parse(text);
    ASSERT_TRUE(where);
    auto acceptor = listen(context.get_executor(), *where);
    ASSERT_TRUE(acceptor) << acceptor.error().message();
    EXPECT_EQ((*acceptor)->bound_texts(), std::vector{text});
    any_stream accepted;
    (*acceptor)->start([&](any_stream stream) { accepted = std::move(stream); });
    testing::run_until_done(context, [&]() -> awaitable<void> {
        auto out = co_await connect(*relay_address::parse(text), stream_kind::handshake);
        EXPECT_FALSE(out.error) << out.describe();
        while (!accepted) co_await yield_once();
        auto failed = co_await write_all(out.stream, "x");
        EXPECT_FALSE(failed);
        auto got = co_await read_up_to(accepted, 1);
        EXPECT_EQ(got.text, "x");
        // Without a socket for rooms they come to the same one.
        accepted = any_stream{};
        auto room = co_await connect(*relay_address::parse(text), stream_kind::room);
        EXPECT_FALSE(room.error) << room.describe();
        while (!accepted) co_await yield_once();
        auto nowhere = co_await connect(*relay_address::parse(text + "-none"), stream_kind::room);
        EXPECT_EQ(nowhere.error, errc::connect_failed);
    });
    (*acceptor)->stop();
    EXPECT_FALSE(std::filesystem::exists(folder / "s"));
    EXPECT_TRUE(testing::drain(context));
}

TEST(unix_transport_test, replaces_a_dead_socket_and_nothing_else)
{
    const testing::temporary_folder folder;
    asio::io_context context;
    const std::string path = (folder / "s").string();
    const auto where = listen_address::parse("unix:" + path);
    {
        local::acceptor dead{context, local::endpoint{path}}; // its file stays
    }
    auto taken_over = listen(context.get_executor(), *where);
    EXPECT_TRUE(taken_over);
    EXPECT_EQ(listen(context.get_executor(), *where).error(), asio::error::address_in_use);
    taken_over = make_error_code(errc::cancelled);
    std::ofstream{path} << "precious";
    EXPECT_EQ(listen(context.get_executor(), *where).error(), asio::error::address_in_use);
    EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST(unix_address_test, is_an_absolute_path)
{
    for (const char* text : {"unix:/run/parley.sock", "UNIX:///run/parley.sock"}) {
        const auto address = relay_address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), "unix:/run/parley.sock");
        EXPECT_EQ(*relay_address::parse(address->text()), *address);
    }
    for (const char* text :
         {"unix:", "unix:relative", "unix:/", "unix:/a/", "unix://host/path", "unix:/a\nb"}) {
        EXPECT_FALSE(relay_address::parse(text)) << text;
        EXPECT_FALSE(listen_address::parse(text)) << text;
    }
    EXPECT_FALSE(relay_address::parse("unix:/" + std::string(100, 'a')));
}

TEST(url_address_test, tls_and_websocket)
{
    EXPECT_EQ(relay_address::parse("tls://h")->room_port, 9444);
    EXPECT_EQ(relay_address::parse("tls://h:7000")->room_port, 7001);
    EXPECT_EQ(relay_address::parse("tls://h:7000,80")->text(), "tls://h:7000,80");
    EXPECT_EQ(relay_address::parse("tls://h:7000")->text(), "tls://h:7000");
    const auto address = relay_address::parse("wss://relay.example/lobby/a?b=c");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->port, 443);
    EXPECT_EQ(address->room_port, 443);
    EXPECT_EQ(address->path, "/lobby/a?b=c");
    EXPECT_EQ(listen_address::parse("ws://*:80/lobby")->text(), "ws://*:80/lobby");
    EXPECT_FALSE(listen_address::parse("tls://*:80/lobby"));
}

} // namespace
} // namespace parley::test
