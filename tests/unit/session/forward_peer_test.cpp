// One side of port forwarding against another side that a test plays.
#include "forward_world.hpp"

#include "unit/proto/forward_owner.hpp"

#include <parley/testing/virtual_clock.hpp>

namespace parley::test {
namespace {

class one_side_of_port_forwarding : public port_forwarding {
protected:
    // Starts the forwarding side, with one connection of a program.
    any_stream start_with_a_program()
    {
        forwarding.listen(forward_rule{"127.0.0.1", 0, {"a", 80}});
        start_forward();
        run_until([this] { return !forward_log_.bound.empty(); });
        any_stream out = program();
        const byte_vector expected = open_bytes(1);
        EXPECT_EQ(read(pair.first, expected.size()).text, as_text(expected));
        return out;
    }
};

TEST_F(one_side_of_port_forwarding, an_end_in_order_ends_the_session)
{
    any_stream client = start_with_a_program();
    write(pair.first, forward_bytes(0x11, 1));
    run_until([&] { return forward_log_.has("opened 1"); });
    end(pair.first);
    EXPECT_EQ(read_all(pair.first).error, asio::error::eof) << "this side ends, too";
    run_until([&] { return forward_end.has_value(); });
    EXPECT_FALSE(forward_end->code);
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
    EXPECT_EQ(forward_log_.errors.at(1), errc::peer_disconnected);
}

TEST_F(one_side_of_port_forwarding, what_is_complete_arrives_also_after_the_end)
{
    any_stream client = start_with_a_program();
    end(client);
    const std::string text = patterned(200'000);
    byte_vector bytes = forward_bytes(0x11, 1);
    for (std::size_t at = 0; at < text.size(); at += 50'000)
        append_bytes(bytes, data_bytes(1, text.substr(at, 50'000)));
    append_bytes(bytes, forward_bytes(0x22, 1));
    EXPECT_EQ(read(pair.first, 9).text, as_text(forward_bytes(0x22, 1)));
    write(pair.first, bytes);
    end(pair.first);
    const read_result got = read_all(client);
    EXPECT_TRUE(got.text == text);
    EXPECT_EQ(got.error, asio::error::eof);
    run_until([&] { return forward_end.has_value(); });
    EXPECT_FALSE(forward_end->code);
    EXPECT_FALSE(forward_log_.errors.at(1));
}

TEST_F(one_side_of_port_forwarding, a_broken_rule_is_told_and_the_session_ends)
{
    any_stream client = start_with_a_program();
    write(pair.first, forward_bytes(0x77, 1));
    const read_result told = read_all(pair.first);
    EXPECT_EQ(told.text, as_text(reason_bytes(0x50, 0, 0x08, "message 77 does not exist")));
    EXPECT_EQ(told.error, asio::error::eof);
    EXPECT_FALSE(forward_end) << "it reads until the other side has ended";
    end(pair.first);
    run_until([&] { return forward_end.has_value(); });
    EXPECT_EQ(forward_end->code, errc::bad_record);
    EXPECT_EQ(forward_end->detail, "message 77 does not exist");
    EXPECT_EQ(read_all(client).error, asio::error::connection_reset);
}

TEST_F(one_side_of_port_forwarding, a_side_that_does_not_end_is_not_waited_for)
{
    testing::virtual_clock time;
    forwarding.time(&time);
    any_stream client = start_with_a_program();
    write(pair.first, forward_bytes(0x77, 1));
    EXPECT_FALSE(read_all(pair.first).text.empty());
    for (int turn = 0; turn < 100; ++turn) context.poll();
    EXPECT_FALSE(forward_end);
    time.advance(std::chrono::seconds{5});
    run_until([&] { return forward_end.has_value(); });
    EXPECT_EQ(forward_end->code, errc::bad_record);
}

TEST_F(one_side_of_port_forwarding, the_other_sides_reason_is_reported)
{
    any_stream client = start_with_a_program();
    write(pair.first, reason_bytes(0x50, 0, 0x08, "you are wrong\x1b"));
    end(pair.first);
    run_until([&] { return forward_end.has_value(); });
    EXPECT_EQ(forward_end->code, errc::rule_broken_says_peer);
    EXPECT_EQ(forward_end->detail, "you are wrong\\x1b");
}

// Opens that are taken back at once, many in one read.
TEST_F(one_side_of_port_forwarding, a_storm_of_short_connections_leaves_nothing)
{
    const forward_target target = server(echo);
    start_expose();
    byte_vector storm;
    for (forward_number n = 1; n <= 2000; ++n) {
        append_bytes(storm, open_bytes(n, target.host, target.port));
        append_bytes(storm, data_bytes(n, "x"));
        append_bytes(storm, forward_bytes(0x23, n));
    }
    write(pair.second, storm);
    end(pair.second);
    EXPECT_EQ(read_all(pair.second).error, asio::error::eof);
    run_until([&] { return expose_end.has_value(); });
    EXPECT_FALSE(expose_end->code) << expose_end->message();
}

} // namespace
} // namespace parley::test
