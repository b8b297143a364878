#include <parley/session/reconnection.hpp>

#include "meeting_world.hpp"

#include <parley/async/event.hpp>

#include <boost/system/errc.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

// Which errors are worth another try. Every error of the framework is in one of the lists.
constexpr errc retried[] = {
    errc::truncated_packet,  errc::closed_by_relay,    errc::timed_out,           errc::unexpected_end,
    errc::name_not_resolved, errc::connect_failed,     errc::upgrade_bad_gateway, errc::upgrade_unavailable,
    errc::names_unavailable, errc::proxy_not_resolved, errc::proxy_unreachable,   errc::proxy_cannot_connect,
};
constexpr errc final_ones[] = {
    errc::bad_uid_digit,
    errc::bad_type_digit,
    errc::unknown_packet_type,
    errc::identity_unterminated,
    errc::identity_empty,
    errc::identity_bad_character,
    errc::bad_relay_failure_letter,
    errc::bad_spoke_failure_code,
    errc::point_not_on_subgroup,
    errc::invalid_client_validator,
    errc::invalid_server_validator,
    errc::invalid_public_packet,
    errc::invalid_secret_packet,
    errc::record_too_long,
    errc::record_forged,
    errc::record_layout_impossible,
    errc::record_sequence_exhausted,
    errc::crypto_unavailable,
    errc::timed_out_by_relay,
    errc::refused_by_peer,
    errc::refused_by_user,
    errc::peer_disconnected,
    errc::unexpected_packet,
    errc::uid_exhausted,
    errc::room_absent,
    errc::room_denied,
    errc::room_bad_answer,
    errc::queue_overflow,
    errc::cancelled,
    errc::unconfirmed,
    errc::too_many_guesses,
    errc::version_not_spoken,
    errc::record_bad_length,
    errc::record_damaged,
    errc::hello_missing,
    errc::peer_silent,
    errc::bad_record,
    errc::protocol_mismatch,
    errc::aborted_by_peer,
    errc::bad_address,
    errc::unknown_transport,
    errc::tls_failed,
    errc::bad_framing,
    errc::upgrade_refused,
    errc::upgrade_redirected,
    errc::upgrade_denied,
    errc::upgrade_not_found,
    errc::upgrade_required,
    errc::proxy_failed,
    errc::proxy_refused_credentials,
    errc::proxy_refused_destination,
};

TEST(reconnection_test, every_error_is_worth_another_try_or_not)
{
    for (int value = 1; value < 1000; ++value) {
        const error_code error{value, parley_category()};
        if (error.message() == "unknown error") continue;
        const auto is_in = [&](const auto& list) {
            return std::ranges::any_of(list, [&](errc each) { return error == each; });
        };
        const bool of_the_document = value >= 300 && value < 400;
        EXPECT_EQ(is_in(retried) + is_in(final_ones) + of_the_document, 1) << error.message();
        EXPECT_EQ(is_worth_another_try(error), is_in(retried)) << error.message();
    }
}

TEST(reconnection_test, errors_of_the_system_are_worth_another_try_when_they_are_of_the_network)
{
    namespace sys = boost::system::errc;
    for (const auto value : {sys::connection_reset, sys::connection_refused, sys::connection_aborted,
                             sys::broken_pipe, sys::host_unreachable, sys::network_unreachable,
                             sys::network_down, sys::timed_out, sys::no_such_file_or_directory})
        EXPECT_TRUE(is_worth_another_try(sys::make_error_code(value))) << value;
    EXPECT_TRUE(is_worth_another_try(asio::error::eof));
    for (const auto value : {sys::permission_denied, sys::operation_canceled, sys::not_enough_memory,
                             sys::too_many_files_open, sys::success})
        EXPECT_FALSE(is_worth_another_try(sys::make_error_code(value))) << value;
}

// A path between a peer and the relay, which a test can cut.
class path {
public:
    // The peer's end of the path, in place of `to_relay`.
    any_stream carry(const executor& ex, any_stream to_relay)
    {
        auto pair = make_memory_stream_pair(ex, 64 * 1024);
        const auto ends = std::make_shared<ends_of_path>(std::move(pair.second), std::move(to_relay));
        ends_ = ends;
        spawn(ex, [ends] { return pump(ends->near, ends->far, ends); }, "to the relay");
        spawn(ex, [ends] { return pump(ends->far, ends->near, ends); }, "from the relay");
        return std::move(pair.first);
    }
    void cut()
    {
        if (const auto ends = ends_.lock()) ends->cut();
    }

private:
    struct ends_of_path {
        ends_of_path(any_stream n, any_stream f) : near(std::move(n)), far(std::move(f)) {}
        void cut()
        {
            for (any_stream* end : {&near, &far}) {
                end->reset_on_close(true);
                end->close();
            }
        }
        any_stream near, far;
    };

    static awaitable<void> pump(any_stream& from, any_stream& to, std::shared_ptr<ends_of_path> ends)
    {
        std::array<byte, 512> bytes;
        for (;;) {
            const auto read = co_await from.async_read_some(asio::buffer(bytes), use_tuple);
            const auto [error, size] = read;
            if (error) break;
            const auto written = co_await asio::async_write(to, asio::buffer(bytes.data(), size), use_tuple);
            const error_code failed = std::get<0>(written);
            if (failed) break;
        }
        ends->cut();
    }

    std::weak_ptr<ends_of_path> ends_;
};

relay_server_options in_virtual_time()
{
    relay_server_options options = announcing_at_once();
    options.time = nullptr;
    return options;
}

// Peers that connect again, in virtual time; the newest connection of each host can be cut.
class reconnecting_test : public ::testing::Test, protected meeting_world {
protected:
    reconnecting_test() : meeting_world(in_virtual_time())
    {
        for (meeting_peer* peer : {&server, &client}) peer->options.reconnect(true).time(&w.time);
        w.wrap = [this](any_stream stream, stream_kind kind, const std::string& host) {
            if (kind == stream_kind::room) return stream;
            ++connections[host];
            return paths[host].carry(w.context.get_executor(), std::move(stream));
        };
    }
    void cut(const std::string& host)
    {
        paths[host].cut();
        w.settle();
    }
    // Virtual time passes until `condition` holds.
    bool comes(const std::function<bool()>& condition, duration limit = 1h)
    {
        return w.run_until(condition, limit);
    }
    static auto times(const meeting_peer& peer, std::string_view phase)
    {
        return std::ranges::count(peer.log.phases, phase);
    }

    std::map<std::string, path> paths;
    std::map<std::string, int> connections;
};

const std::string server_host = "10.0.0.1", client_host = "10.0.0.2";

TEST_F(reconnecting_test, a_sender_whose_connection_is_lost_is_met_afterwards)
{
    offer();
    w.settle();
    cut(server_host);
    EXPECT_EQ(server.log.lost, std::vector<error_code>{asio::error::connection_reset});
    EXPECT_FALSE(server.done());
    ASSERT_TRUE(comes([&] { return times(server, "waiting") == 2; }));
    join();
    ASSERT_TRUE(comes([&] { return server.done() && client.done(); }));
    EXPECT_TRUE(server.succeeded()) << server.message();
    EXPECT_TRUE(client.succeeded()) << client.message();
    using steps = std::vector<std::string>;
    EXPECT_EQ(server.log.phases, (steps{"connected", "identified", "waiting", "reconnecting", "connected",
                                        "identified", "waiting", "agreed", "entered_room"}));
}

TEST_F(reconnecting_test, a_receiver_whose_connection_is_lost_meets_afterwards)
{
    join();
    w.settle();
    for (int i = 0; i < 3; ++i) {
        cut(client_host);
        ASSERT_TRUE(comes([&] { return times(client, "waiting") == 2 + i; }));
    }
    EXPECT_EQ(connections[client_host], 4);
    offer();
    ASSERT_TRUE(comes([&] { return server.done() && client.done(); }));
    EXPECT_TRUE(server.succeeded() && client.succeeded()) << client.message();
}

TEST_F(reconnecting_test, a_question_that_is_open_is_asked_again)
{
    int asked = 0;
    client.log.on_question = [&](identity) -> awaitable<bool> {
        const bool is_first = ++asked == 1;
        event never{w.context.get_executor()};
        if (is_first) co_await never.wait_or_cancelled();
        co_return true;
    };
    offer();
    join();
    w.settle();
    EXPECT_EQ(asked, 1);
    cut(client_host);
    ASSERT_TRUE(comes([&] { return server.done() && client.done(); }));
    EXPECT_TRUE(client.succeeded()) << client.message();
    EXPECT_EQ(asked, 2);
}

TEST_F(reconnecting_test, the_relays_errors_are_waited_out)
{
    const std::vector<error_code> away{asio::error::connection_refused, errc::timed_out,
                                       errc::upgrade_bad_gateway, errc::upgrade_unavailable,
                                       errc::names_unavailable};
    std::size_t tried = 0;
    offer();
    w.settle();
    w.fail_connection = [&](stream_kind, const std::string&) {
        return tried == away.size() ? error_code{} : away[tried++];
    };
    cut(server_host);
    ASSERT_TRUE(comes([&] { return times(server, "waiting") == 2; }));
    EXPECT_EQ(std::vector<error_code>(server.log.lost.begin() + 1, server.log.lost.end()), away);
    for (std::size_t i = 1; i < 4; ++i)
        EXPECT_GE(server.log.pauses[i], server.log.pauses[i - 1]) << "each is drawn from a longer range";
    join();
    ASSERT_TRUE(comes([&] { return server.done() && client.done(); }));
    EXPECT_TRUE(server.succeeded() && client.succeeded());
}

TEST_F(reconnecting_test, it_tries_until_the_wait_is_over)
{
    server.options.wait_timeout(1h);
    const time_point began = w.time.now();
    int tries = 0;
    offer();
    w.settle();
    w.fail_connection = [&](stream_kind, const std::string&) -> error_code {
        ++tries;
        return asio::error::connection_refused;
    };
    cut(server_host);
    ASSERT_TRUE(comes([&] { return server.done(); }, 2h));
    EXPECT_EQ(server.error(), asio::error::connection_refused);
    EXPECT_EQ(server.phase(), session_phase::connecting);
    EXPECT_EQ(w.time.now() - began, 1h);
    EXPECT_GE(tries, 3600 / 30);
    EXPECT_LE(tries, 3600 / 15 + 5);
}

TEST_F(reconnecting_test, what_does_not_pass_ends_it)
{
    for (const errc why : {errc::tls_failed, errc::upgrade_not_found, errc::proxy_refused_credentials}) {
        meeting_peer peer;
        peer.options.reconnect(true).time(&w.time);
        w.fail_connection = {};
        start(peer, server_host,
              [](rendezvous& meeting) { return meeting.offer(secret_bytes{std::string_view{"p"}}, {}); });
        w.settle();
        w.fail_connection = [why](stream_kind, const std::string&) -> error_code { return why; };
        cut(server_host);
        ASSERT_TRUE(comes([&] { return peer.done(); }));
        EXPECT_EQ(peer.error(), why);
        EXPECT_EQ(times(peer, "reconnecting"), 1);
    }
}

TEST_F(reconnecting_test, the_first_connection_is_made_once)
{
    w.fail_connection = [](stream_kind, const std::string&) -> error_code {
        return asio::error::connection_refused;
    };
    offer();
    join();
    w.settle();
    EXPECT_EQ(server.error(), asio::error::connection_refused);
    EXPECT_EQ(client.error(), asio::error::connection_refused);
    EXPECT_EQ(times(server, "reconnecting") + times(client, "reconnecting"), 0);
}

TEST_F(reconnecting_test, can_be_turned_off)
{
    server.options.reconnect(false);
    offer();
    w.settle();
    cut(server_host);
    EXPECT_EQ(server.error(), asio::error::connection_reset);
    EXPECT_EQ(server.phase(), session_phase::handshake);
}

TEST_F(reconnecting_test, a_cancellation_ends_the_pause)
{
    for (const bool at_once : {true, false}) {
        meeting_peer peer;
        peer.options.reconnect(true).time(&w.time);
        if (at_once)
            peer.log.on_phase = [&](const std::string& phase) {
                if (phase == "reconnecting") peer.cancel.emit(asio::cancellation_type::terminal);
            };
        start(peer, server_host,
              [](rendezvous& meeting) { return meeting.offer(secret_bytes{std::string_view{"p"}}, {}); });
        w.settle();
        cut(server_host);
        peer.cancel.emit(asio::cancellation_type::terminal);
        w.settle();
        ASSERT_TRUE(peer.done());
        EXPECT_EQ(peer.error(), errc::cancelled);
    }
}

// A relay that cuts the connection gains no guesses by it.
TEST_F(reconnecting_test, guesses_count_over_all_connections)
{
    server.options.max_guesses(3);
    offer();
    w.settle();
    for (int guess = 1; guess <= 4; ++guess) {
        meeting_peer guesser;
        guesser.options.reconnect(false);
        start(guesser, "10.0.0.3", [](rendezvous& meeting) {
            return meeting.join(secret_bytes{std::string_view{"wrong"}}, {}, false);
        });
        ASSERT_TRUE(comes([&] { return server.log.rejections.size() == static_cast<std::size_t>(guess); }));
        guesser.cancel.emit(asio::cancellation_type::terminal);
        w.settle();
        if (guess == 4) break;
        cut(server_host);
        ASSERT_TRUE(comes([&] { return times(server, "waiting") == guess + 1; }));
    }
    EXPECT_EQ(server.error(), errc::too_many_guesses);
}

// A relay that has run well for a while is a good one again.
TEST_F(reconnecting_test, pauses_begin_anew_after_a_good_minute)
{
    offer();
    w.settle();
    for (int i = 0; i < 6; ++i) {
        cut(server_host);
        ASSERT_TRUE(comes([&] { return times(server, "waiting") == 2 + i; }));
    }
    EXPECT_GT(server.log.pauses.back(), reconnect_pauses::longest / 2 - 1s);
    w.pass(1min);
    cut(server_host);
    EXPECT_LE(server.log.pauses.back(), reconnect_pauses::first);
    server.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

TEST_F(reconnecting_test, a_relay_that_says_nothing_is_given_up)
{
    std::vector<any_stream> silent;
    w.wrap = [&](any_stream, stream_kind, const std::string&) {
        auto pair = make_memory_stream_pair(w.context.get_executor(), 1000);
        silent.push_back(std::move(pair.second));
        return std::move(pair.first);
    };
    offer();
    join();
    w.pass(session_options{}.connect_timeout());
    for (const meeting_peer* peer : {&server, &client}) {
        EXPECT_EQ(peer->error(), errc::timed_out);
        EXPECT_EQ(peer->phase(), session_phase::connecting);
        EXPECT_NE(peer->message().find("has not answered"), std::string::npos) << peer->message();
    }
}

TEST_F(reconnecting_test, a_room_that_breaks_before_both_are_in_it_is_no_end)
{
    int rooms = 0;
    const auto usual = w.wrap;
    w.wrap = [&, usual](any_stream stream, stream_kind kind, const std::string& host) {
        testing::fault_options breaks;
        if (kind == stream_kind::room && ++rooms <= 2) breaks.failing_operation = 0;
        return usual(testing::make_fault_stream(std::move(stream), breaks), kind, host);
    };
    offer();
    join();
    ASSERT_TRUE(comes([&] { return server.done() && client.done(); }));
    EXPECT_TRUE(server.succeeded()) << server.message();
    EXPECT_TRUE(client.succeeded()) << client.message();
}

} // namespace
} // namespace parley::test
