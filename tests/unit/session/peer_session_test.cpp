#include "session/session_steps.hpp"

#include "support/actors_world.hpp"

namespace parley::test {
namespace {

TEST(operation_error, says_where_and_what)
{
    operation_error error;
    error.code = make_error_code(errc::peer_disconnected);
    EXPECT_EQ(error.message(), "the other side left before the end");
    error.where = "sending to 1.2.3.4:5";
    EXPECT_EQ(error.message(), "sending to 1.2.3.4:5: the other side left before the end");
    error.detail = "photo.jpg";
    EXPECT_EQ(error.message(), "sending to 1.2.3.4:5: the other side left before the end (photo.jpg)");
}

TEST(operation_error, an_abort_by_the_user_is_cancelled)
{
    const auto error = detail::failure(asio::error::operation_aborted, session_phase::handshake, "waiting");
    EXPECT_EQ(error.code, errc::cancelled);
    EXPECT_EQ(error.phase, session_phase::handshake);
}

TEST(operation_error, value_of_a_failure_throws_it)
{
    const operation_result<send_report> failed =
        detail::failure(errc::timed_out, session_phase::connecting, "x");
    EXPECT_THROW((void)failed.value(), boost::system::system_error);
}

TEST(as_peer_disconnected, covers_what_a_lost_connection_gives)
{
    using detail::as_peer_disconnected;
    EXPECT_EQ(as_peer_disconnected(asio::error::eof), errc::peer_disconnected);
    EXPECT_EQ(as_peer_disconnected(asio::error::connection_reset), errc::peer_disconnected);
    EXPECT_EQ(as_peer_disconnected(asio::error::broken_pipe), errc::peer_disconnected);
    EXPECT_EQ(as_peer_disconnected(make_error_code(errc::record_forged)), errc::record_forged);
}

// Nobody listens there: the message names the place and the system's reason.
TEST(connecting, a_refused_connection_says_so)
{
    world w{over::tcp};
    asio::ip::tcp::acceptor reserved{w.context, {asio::ip::address_v4::loopback(), 0}};
    const auto port = reserved.local_endpoint().port();
    reserved.close();
    send_operation s;
    s.source.emplace(bytes_source("a", {}));
    async_send_document(w.context.get_executor(), secret_bytes{std::string_view{"p"}}, *s.source,
                        send_options{}.relay({"tcp", "127.0.0.1", port, port}), s.log, s.token());
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    ASSERT_FALSE(s.succeeded());
    EXPECT_EQ(s.error(), condition::transport);
    EXPECT_EQ(s.result->error().phase, session_phase::connecting);
    EXPECT_NE(s.message().find("cannot reach relay"), std::string::npos) << s.message();
    EXPECT_NE(s.message().find("127.0.0.1:" + std::to_string(port)), std::string::npos) << s.message();
    EXPECT_NE(s.message().find("refused"), std::string::npos) << s.message();
}

TEST(connecting, an_unknown_transport_says_so)
{
    world w;
    receive_operation r;
    receiver_options where;
    where.directory = r.destination.path();
    auto receiver = document_receiver::create(where);
    ASSERT_TRUE(receiver);
    r.receiver.emplace(std::move(*receiver));
    async_receive_document(w.context.get_executor(), secret_bytes{std::string_view{"p"}}, *r.receiver,
                           receive_options{}.relay({"pigeon", "loft", 0, 0}), r.log, r.token());
    ASSERT_TRUE(w.run_until([&] { return r.done(); }));
    EXPECT_EQ(r.error(), errc::unknown_transport);
}

TEST(waiting, ends_with_its_time)
{
    world w;
    send_operation s;
    receive_operation r;
    const auto soon = std::chrono::milliseconds{500};
    w.send(s, bytes_source("a", {}), "p", send_options{}.wait_timeout(soon));
    w.receive(r, "another", receive_options{}.wait_timeout(soon));
    ASSERT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
    EXPECT_EQ(s.error(), errc::timed_out);
    EXPECT_EQ(r.error(), condition::timed_out);
    EXPECT_EQ(s.result->error().phase, session_phase::handshake);
}

TEST(waiting, a_relay_that_stops_ends_it)
{
    world w;
    send_operation s;
    w.send(s, bytes_source("a", {}), "p");
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("waiting"); }));
    w.stop();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::closed_by_relay) << s.message();
}

TEST(waiting, the_relays_time_is_told_apart)
{
    relay_server_options options;
    options.relay.peer_timeout = std::chrono::milliseconds{20};
    world w{over::memory, options};
    receive_operation r;
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return r.done(); }));
    EXPECT_EQ(r.error(), errc::timed_out_by_relay) << r.message();
}

} // namespace
} // namespace parley::test
