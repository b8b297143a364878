#include "forward_owner.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using parley::testing::seeded_random;

const forward_target a80{"a", 80};

// The words of the fault that these messages are, for a side of this role; empty when they are right.
std::string forward_fault(forward_role role, const std::vector<byte_vector>& messages)
{
    forward_owner side{role};
    if (role == forward_role::forward) side.machine.open(a80);
    side.take_output();
    side.feed(all_of(messages));
    const bool is_broken = side.machine.error() == errc::bad_record;
    EXPECT_EQ(side.machine.finished(), is_broken);
    if (!is_broken) return {};
    const auto sent = forward_messages_in(side.output);
    EXPECT_FALSE(sent.empty());
    EXPECT_EQ(all_of({forward_bytes(sent.back().type, sent.back().connection, sent.back().body)}),
              reason_bytes(0x50, 0, 0x08, side.machine.problem()));
    return side.machine.problem();
}

TEST(forward_machine, writes_the_messages_of_the_specification)
{
    forward_owner client{forward_role::forward}, server{forward_role::expose};
    ASSERT_EQ(client.machine.open({"host", 8080}), 1u);
    EXPECT_EQ(to_hex(client.take_output()), "10"
                                            "00000001"
                                            "00000007"
                                            "04"
                                            "686f7374"
                                            "1f90");
    server.feed(all_of({open_bytes(7), open_bytes(9)}));
    EXPECT_EQ(server.take_log(), "opening 7 a:80; opening 9 a:80; ");
    server.machine.accept(7);
    server.machine.refuse(9, forward_cause::timed_out, "no");
    EXPECT_EQ(server.machine.write(7, as_bytes("xy")), 2u);
    server.machine.close(7);
    server.machine.reset(7);
    EXPECT_EQ(to_hex(server.take_output()), "110000000700000000"
                                            "1200000009000000040402"
                                            "6e6f"
                                            "2000000007000000027879"
                                            "220000000700000000"
                                            "230000000700000000");
}

TEST(forward_machine, carries_a_connection_to_its_two_ends)
{
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::string::npos}) {
        forward_pair p;
        ASSERT_EQ(p.forward.machine.open({"localhost", 22}), 1u);
        EXPECT_EQ(p.write(p.forward, 1, "early"), 5u) << "it does not wait for the answer";
        p.exchange(most);
        EXPECT_EQ(p.expose.take_log(), "opening 1 localhost:22; ");
        EXPECT_EQ(p.expose.got[1], "early");
        EXPECT_EQ(p.write(p.expose, 1, "no"), 0u) << "it has not answered";
        p.expose.machine.accept(1);
        EXPECT_EQ(p.write(p.expose, 1, "answer"), 6u);
        p.expose.machine.close(1);
        EXPECT_EQ(p.write(p.expose, 1, "no"), 0u);
        p.exchange(most);
        EXPECT_EQ(p.forward.take_log(), "opened 1; closed 1; ");
        EXPECT_EQ(p.forward.got[1], "answer");
        EXPECT_EQ(p.write(p.forward, 1, "later"), 5u) << "the other direction goes on";
        p.forward.machine.close(1);
        EXPECT_EQ(p.forward.machine.connections(), 0u);
        p.exchange(most);
        EXPECT_EQ(p.expose.take_log(), "closed 1; ");
        EXPECT_EQ(p.expose.got[1], "earlylater");
        EXPECT_EQ(p.expose.machine.connections(), 0u);
        EXPECT_EQ(p.forward.machine.open(a80), 2u) << "a number comes once";
    }
}

TEST(forward_machine, tells_why_a_connection_is_refused)
{
    forward_pair p;
    p.forward.machine.open(a80);
    p.forward.machine.open(a80);
    p.forward.machine.open(a80);
    p.exchange();
    p.expose.machine.refuse(1, forward_cause::unreachable, "no way\xff");
    p.expose.machine.refuse(2, forward_cause::limit, std::string(300, 'x'));
    p.expose.machine.reset(3);
    p.exchange();
    EXPECT_EQ(p.forward.take_log(),
              "refused 1 3 no way\\xff; refused 2 5 " + std::string(255, 'x') + "; refused 3 3 ; ");
    EXPECT_EQ(p.forward.machine.connections() + p.expose.machine.connections(), 0u);
    EXPECT_EQ(p.write(p.forward, 1, "x"), 0u);
    p.forward.machine.close(1);
    p.forward.machine.reset(1);
    EXPECT_TRUE(p.forward.take_output().empty());
}

TEST(forward_machine, the_exposing_side_hears_only_what_the_rules_allow)
{
    const auto fault = [](const std::vector<byte_vector>& messages) {
        return forward_fault(forward_role::expose, messages);
    };
    const byte_vector window_data = data_bytes(1, std::string(65536, 'x'));
    const std::vector<std::pair<std::vector<byte_vector>, std::string>> table{
        {{open_bytes(1)}, ""},
        {{open_bytes(1), open_bytes(0xffffffff)}, ""},
        {{open_bytes(0)}, "message 10 has a number that is not new"},
        {{open_bytes(2), open_bytes(2)}, "message 10 has a number that is not new"},
        {{open_bytes(2), open_bytes(1)}, "message 10 has a number that is not new"},
        {{open_bytes(1, "")}, "message 10 has a value that is not allowed"},
        {{open_bytes(1, "A")}, "message 10 has a value that is not allowed"},
        {{open_bytes(1, "a", 0)}, "message 10 has a value that is not allowed"},
        {{open_bytes(1, std::string(254, 'a'))}, "message 10 has a value that is not allowed"},
        {{open_bytes(1, std::string(255, 'a'))}, "message 10 has a value that is not allowed"},
        {{open_bytes(1, "\xff")}, "message 10 holds text that is not UTF-8"},
        {{forward_bytes(0x10, 1, byte_vector{1, 'a'})}, "message 10 is shorter than its form"},
        {{forward_bytes(0x10, 1, byte_vector{1, 'a', 0})}, "message 10 is shorter than its form"},
        {{forward_bytes(0x10, 1, byte_vector{1, 'a', 0, 80, 0})}, "message 10 is longer than its form"},
        {{forward_bytes(0x10, 1, byte_vector(259))}, "message 10 is longer than its form"},
        {{open_bytes(1), forward_bytes(0x11, 1)}, "message 11 is not for this side"},
        {{open_bytes(1), reason_bytes(0x12, 1, 1)}, "message 12 is not for this side"},
        {{forward_bytes(0x00, 0)}, "message 00 does not exist"},
        {{forward_bytes(0x24, 0)}, "message 24 does not exist"},
        {{forward_bytes(0xff, 0)}, "message ff does not exist"},
        {{data_bytes(1, "x")}, "message 20 is for a connection that was not opened"},
        {{open_bytes(1), data_bytes(2, "x")}, "message 20 is for a connection that was not opened"},
        {{open_bytes(1), data_bytes(0, "x")}, "message 20 is for a connection that was not opened"},
        {{open_bytes(2), data_bytes(1, "x")}, ""}, // as over as any other number below
        {{open_bytes(1), data_bytes(1, "")}, "message 20 is shorter than its form"},
        {{open_bytes(1), data_bytes(1, std::string(65537, 'x'))}, "message 20 is longer than its form"},
        {{open_bytes(1), window_data, window_data, window_data, window_data}, ""},
        {{open_bytes(1), window_data, window_data, window_data, window_data, data_bytes(1, "x")},
         "message 20 is beyond the window"},
        {{open_bytes(1), forward_bytes(0x22, 1), data_bytes(1, "x")}, "message 20 comes after `close`"},
        {{open_bytes(1), forward_bytes(0x22, 1), forward_bytes(0x22, 1)}, "message 22 comes after `close`"},
        {{open_bytes(1), forward_bytes(0x22, 1), forward_bytes(0x23, 1)}, ""},
        {{open_bytes(1), forward_bytes(0x22, 1, byte_vector(1))}, "message 22 is longer than its form"},
        {{open_bytes(1), forward_bytes(0x22, 2)}, "message 22 is for a connection that was not opened"},
        {{open_bytes(1), forward_bytes(0x23, 2)}, "message 23 is for a connection that was not opened"},
        {{open_bytes(1), window_bytes(2, 1)}, "message 21 is for a connection that was not opened"},
        {{open_bytes(1), window_bytes(1, 0)}, "message 21 has a value that is not allowed"},
        {{open_bytes(1), forward_bytes(0x21, 1, byte_vector(3))}, "message 21 is shorter than its form"},
        {{open_bytes(1), forward_bytes(0x21, 1, byte_vector(5))}, "message 21 is longer than its form"},
        {{open_bytes(1), window_bytes(1, 0x7fffffff - 262144)}, ""},
        {{open_bytes(1), window_bytes(1, 0x7fffffff - 262143)}, "message 21 exceeds the largest window"},
        {{open_bytes(1), window_bytes(1, 0xffffffff)}, "message 21 exceeds the largest window"},
        {{reason_bytes(0x50, 1, 8)}, "message 50 has a connection"},
        {{forward_bytes(0x50, 0, byte_vector{8})}, "message 50 is shorter than its form"},
        {{forward_bytes(0x50, 0, byte_vector{8, 1})}, "message 50 is shorter than its form"},
        // What is over is ignored, but has its form.
        {{open_bytes(1), forward_bytes(0x23, 1), data_bytes(1, "x"), window_bytes(1, 0xffffffff),
          forward_bytes(0x22, 1), forward_bytes(0x22, 1), forward_bytes(0x23, 1)},
         ""},
        {{open_bytes(1), forward_bytes(0x23, 1), window_bytes(1, 0)},
         "message 21 has a value that is not allowed"},
        {{open_bytes(1), forward_bytes(0x23, 1), data_bytes(1, std::string(65537, 'x'))},
         "message 20 is longer than its form"},
    };
    for (const auto& [messages, expected] : table) EXPECT_EQ(fault(messages), expected);
}

TEST(forward_machine, the_forwarding_side_hears_only_what_the_rules_allow)
{
    const byte_vector opened = forward_bytes(0x11, 1), close = forward_bytes(0x22, 1),
                      reset = forward_bytes(0x23, 1), refused = reason_bytes(0x12, 1, 1);
    const std::vector<std::pair<std::vector<byte_vector>, std::string>> table{
        {{opened}, ""},
        {{refused}, ""},
        {{open_bytes(2)}, "message 10 is not for this side"},
        {{opened, opened}, "message 11 is out of turn"},
        {{opened, refused}, "message 12 is out of turn"},
        {{refused, opened}, ""}, // over
        {{forward_bytes(0x11, 2)}, "message 11 is for a connection that was not opened"},
        {{forward_bytes(0x11, 1, byte_vector(1))}, "message 11 is longer than its form"},
        {{reason_bytes(0x12, 1, 0xff, "\xff")}, "message 12 holds text that is not UTF-8"},
        {{forward_bytes(0x12, 1, byte_vector{1, 0, 0})}, "message 12 is longer than its form"},
        {{data_bytes(1, "x")}, "message 20 is out of turn"},
        {{window_bytes(1, 1)}, "message 21 is out of turn"},
        {{close}, "message 22 is out of turn"},
        {{reset}, "message 23 is out of turn"},
        {{opened, data_bytes(1, "x"), window_bytes(1, 1), close, reset}, ""},
        {{opened, close, data_bytes(1, "x")}, "message 20 comes after `close`"},
    };
    for (const auto& [messages, expected] : table)
        EXPECT_EQ(forward_fault(forward_role::forward, messages), expected);
}

TEST(forward_machine, a_writer_stops_at_its_window_and_hears_when_it_may_go_on)
{
    forward_pair p;
    p.expose.consumes = false;
    p.forward.machine.open(a80);
    p.exchange();
    p.expose.machine.accept(1);
    p.exchange();
    const std::string text(initial_forward_window + 100, 'x');
    EXPECT_EQ(p.write(p.forward, 1, text), initial_forward_window);
    EXPECT_EQ(p.forward.machine.write_space(1), 0u);
    EXPECT_EQ(p.forward.machine.write_space(1), 0u) << "asked twice, told once";
    p.exchange();
    EXPECT_EQ(p.expose.got[1].size(), initial_forward_window);
    EXPECT_EQ(p.forward.take_log(), "opened 1; ");
    p.expose.machine.consume(1, initial_forward_window / 2 - 1);
    p.exchange();
    EXPECT_EQ(p.forward.take_log(), "") << "half a window is worth a message, less is not";
    p.expose.machine.consume(1, 1);
    EXPECT_EQ(all_of({p.expose.take_output()}), window_bytes(1, initial_forward_window / 2));
    p.forward.feed(window_bytes(1, initial_forward_window / 2));
    EXPECT_EQ(p.forward.take_log(), "writable 1; ");
    EXPECT_EQ(p.forward.machine.write_space(1), max_forward_data_bytes);
    EXPECT_EQ(p.write(p.forward, 1, text), initial_forward_window / 2);
}

// The window of a message that is being read is not given twice.
TEST(forward_machine, no_grant_exceeds_what_its_owner_may_have_to_keep)
{
    forward_machine_options fixed;
    fixed.growth_budget_bytes = 0;
    forward_owner side{forward_role::expose, fixed};
    side.feed(open_bytes(1));
    side.machine.accept(1);
    side.take_output();
    std::uint64_t allowed = initial_forward_window, come = 0;
    const byte_vector message = data_bytes(1, std::string(60'000, 'x'));
    while (come < 3'000'000) {
        ASSERT_GE(allowed - come, 60'000u) << "it has consumed everything";
        for (bytes_view left = message; !left.empty();) {
            const bytes_view piece = left.first(std::min<std::size_t>(left.size(), 1000));
            side.feed(piece);
            left = left.subspan(piece.size());
            for (const auto& m : forward_messages_in(side.take_output()))
                allowed += load_be<std::uint32_t>(m.body.data());
            EXPECT_LE(allowed - (come + side.got[1].size()), initial_forward_window);
        }
        come += std::exchange(side.got[1], {}).size();
    }
    EXPECT_FALSE(side.machine.finished());
}

TEST(forward_machine, a_slow_connection_does_not_stop_another)
{
    forward_pair p;
    p.expose.consumes = false;
    p.forward.machine.open(a80);
    p.forward.machine.open(a80);
    p.exchange();
    p.expose.machine.accept(1);
    p.expose.machine.accept(2);
    p.exchange();
    const std::string text(initial_forward_window, 'x');
    EXPECT_EQ(p.write(p.forward, 1, text), text.size());
    std::size_t passed = 0;
    for (int i = 0; i < 20; ++i) {
        passed += p.write(p.forward, 2, text);
        p.exchange();
        p.expose.consume(2);
        p.exchange();
    }
    EXPECT_EQ(passed, 20 * text.size());
    EXPECT_EQ(p.expose.kept[1], text.size());
    EXPECT_EQ(p.forward.machine.write_space(1), 0u);
}

TEST(forward_machine, the_window_of_a_connection_that_keeps_up_grows_within_the_budget)
{
    forward_machine_options options;
    options.max_window_bytes = 4 * initial_forward_window;
    options.growth_budget_bytes = 4 * initial_forward_window;
    forward_pair p{options};
    const std::string text(200'000, 'x');
    const auto window_of = [&](forward_number n) {
        for (int i = 0; i < 50; ++i) {
            EXPECT_GT(p.write(p.forward, n, text), 0u);
            p.exchange();
        }
        p.expose.consumes = false;
        const std::string much(8 * initial_forward_window, 'x');
        const std::size_t room = p.write(p.forward, n, much);
        p.exchange();
        p.expose.consumes = true;
        return room;
    };
    const auto open = [&] {
        const auto n = p.forward.machine.open(a80).value();
        p.exchange();
        p.expose.machine.accept(n);
        p.exchange();
        return n;
    };
    const auto first = open(), second = open(), third = open();
    EXPECT_GT(window_of(first), 2 * initial_forward_window);
    EXPECT_LE(p.expose.kept[first], 4 * initial_forward_window);
    EXPECT_GT(window_of(second), initial_forward_window);
    EXPECT_LE(p.expose.kept[second], 2 * initial_forward_window) << "3 of the 4 are used";
    EXPECT_LE(window_of(third), initial_forward_window) << "nothing is left";
    // Both sides close; the window is free again only after the owner has consumed everything.
    for (const auto n : {first, second}) {
        p.forward.machine.close(n);
        p.exchange();
        p.expose.machine.close(n);
        p.exchange();
    }
    EXPECT_EQ(p.expose.machine.connections(), 1u);
    const auto fourth = open();
    EXPECT_LE(window_of(fourth), initial_forward_window);
    p.expose.consume(first);
    p.expose.consume(second);
    const auto fifth = open();
    EXPECT_GT(window_of(fifth), 2 * initial_forward_window);
}

TEST(forward_machine, a_full_output_stops_writers_and_lets_them_go_on_in_order)
{
    forward_owner side{forward_role::forward};
    for (int i = 0; i < 4; ++i) side.machine.open(a80);
    side.take_output();
    side.takes_output = false;
    const byte_vector piece(65536);
    EXPECT_EQ(side.machine.write(1, piece), 65536u);
    EXPECT_EQ(side.machine.write(2, piece), 0u);
    for (const forward_number n : {3u, 1u, 4u, 2u}) EXPECT_EQ(side.machine.write_space(n), 0u);
    EXPECT_TRUE(side.machine.open(a80)) << "data does not stop new connections";
    side.machine.close(4);
    side.hear();
    EXPECT_EQ(side.log, "");
    side.machine.consume_output(side.machine.output().size() / 2);
    side.hear();
    EXPECT_EQ(side.take_log(), "writable 3; writable 1; writable 2; ");
    EXPECT_TRUE(side.machine.open(a80));
}

TEST(forward_machine, connections_that_come_and_go_do_not_fill_the_memory)
{
    forward_owner side{forward_role::forward};
    side.takes_output = false;
    int opened = 0;
    for (; opened < 100'000; ++opened) {
        const auto connection = side.machine.open(a80);
        if (!connection) break;
        side.machine.reset(*connection);
    }
    EXPECT_GT(opened, 1000);
    EXPECT_LT(side.machine.output().size(), 257u * 1024);
    side.machine.consume_output(side.machine.output().size());
    EXPECT_TRUE(side.machine.open(a80));
}

TEST(forward_machine, a_side_that_does_not_read_its_answers_is_not_heard)
{
    forward_owner side{forward_role::expose};
    side.takes_output = false;
    byte_vector opens;
    for (forward_number n = 1; n <= 100'000; ++n) {
        side.feed(open_bytes(n));
        if (side.machine.connections() == 0) break;
        side.machine.refuse(n, forward_cause::limit, "busy");
    }
    EXPECT_LT(side.machine.output().size(), 513u * 1024);
    const std::size_t full = side.machine.output().size();
    const byte_vector more = open_bytes(200'000);
    EXPECT_EQ(side.feed(more).size(), more.size());
    EXPECT_EQ(side.machine.output().size(), full);
    side.machine.consume_output(1000);
    EXPECT_TRUE(side.feed(more).empty());
    EXPECT_EQ(side.machine.connections(), 1u);
}

TEST(forward_machine, holds_256_connections_and_no_more)
{
    forward_pair p;
    for (std::size_t i = 0; i < max_forward_connections; ++i) EXPECT_TRUE(p.forward.machine.open(a80));
    EXPECT_FALSE(p.forward.machine.open(a80));
    p.exchange();
    EXPECT_EQ(p.expose.machine.connections(), max_forward_connections);
    // Each way to be over makes room for another one.
    p.forward.machine.reset(1);
    EXPECT_EQ(p.forward.machine.open(a80), 257u);
    p.exchange();
    p.expose.machine.refuse(2, forward_cause::not_exposed);
    p.exchange();
    EXPECT_EQ(p.forward.machine.open(a80), 258u);
    p.expose.machine.accept(3);
    p.expose.machine.reset(3);
    p.exchange();
    EXPECT_EQ(p.forward.machine.open(a80), 259u);
    p.expose.machine.accept(4);
    p.expose.machine.close(4);
    p.forward.machine.close(4);
    p.exchange();
    EXPECT_EQ(p.forward.machine.open(a80), 260u);
    p.exchange();
    EXPECT_FALSE(p.forward.machine.open(a80));
    EXPECT_FALSE(p.expose.machine.finished()) << p.expose.machine.problem();
    p.expose.feed(open_bytes(1000));
    EXPECT_EQ(p.expose.machine.problem(), "message 10 is one connection too many");
}

// A reset on its way meets what the other side sent before it read that.
TEST(forward_machine, what_meets_a_reset_is_ignored)
{
    forward_pair p;
    p.forward.machine.open(a80);
    p.exchange();
    p.expose.machine.accept(1);
    p.exchange();
    p.write(p.forward, 1, "lost");
    p.forward.machine.close(1);
    const byte_vector up = p.forward.take_output();
    p.expose.machine.reset(1);
    const byte_vector down = p.expose.take_output();
    p.expose.feed(up);
    p.forward.feed(down);
    EXPECT_EQ(p.expose.got[1], "");
    EXPECT_EQ(p.forward.take_log(), "opened 1; reset 1; ");
    EXPECT_FALSE(p.expose.machine.finished() || p.forward.machine.finished());
    // The same in the middle of a message.
    p.forward.machine.open(a80);
    p.exchange();
    p.expose.machine.accept(2);
    const byte_vector data = data_bytes(2, "0123456789");
    p.expose.feed(bytes_view{data}.first(14));
    EXPECT_EQ(p.expose.got[2], "01234");
    p.expose.machine.reset(2);
    p.expose.feed(bytes_view{data}.subspan(14));
    EXPECT_EQ(p.expose.got[2], "01234");
    p.expose.feed(open_bytes(3));
    EXPECT_EQ(p.expose.machine.connections(), 1u);
}

TEST(forward_machine, the_other_side_gives_up_and_says_why)
{
    forward_owner side{forward_role::expose};
    side.feed(open_bytes(1));
    side.machine.accept(1);
    side.takes_output = false;
    side.feed(all_of({reason_bytes(0x50, 0, 0x08, "you broke it"), open_bytes(2), byte_vector(20)}));
    EXPECT_TRUE(side.machine.finished());
    EXPECT_EQ(side.machine.error(), errc::rule_broken_says_peer);
    EXPECT_EQ(side.machine.problem(), "you broke it");
    EXPECT_TRUE(side.machine.output().empty());
    EXPECT_EQ(side.machine.connections(), 0u);
    EXPECT_EQ(side.take_log(), "opening 1 a:80; ");
}

TEST(forward_machine, an_end_in_order_is_no_error)
{
    forward_pair p;
    p.forward.machine.open(a80);
    p.exchange();
    p.forward.machine.end();
    EXPECT_TRUE(p.forward.machine.finished());
    EXPECT_FALSE(p.forward.machine.error());
    p.expose.machine.receive_end();
    EXPECT_TRUE(p.expose.machine.finished());
    EXPECT_FALSE(p.expose.machine.error());
    EXPECT_TRUE(p.expose.take_output().empty());
    p.expose.machine.accept(1);
    p.expose.machine.reset(1);
    p.expose.machine.consume(1, 1);
    EXPECT_FALSE(p.forward.machine.open(a80));
    EXPECT_TRUE(p.expose.take_output().empty());
}

TEST(forward_machine, an_end_inside_a_message_breaks_a_rule)
{
    const byte_vector whole = all_of({open_bytes(1), data_bytes(1, "xyz")});
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        forward_owner side{forward_role::expose};
        side.feed(bytes_view{whole}.first(cut), 1);
        side.machine.receive_end();
        EXPECT_TRUE(side.machine.finished());
        const bool is_between = cut == 0 || cut == open_bytes(1).size() || cut == whole.size();
        EXPECT_EQ(!side.machine.error(), is_between) << cut;
        EXPECT_EQ(side.machine.problem(), is_between ? "" : "the stream ends inside a message");
    }
}

TEST(forward_machine, a_stop_sends_nothing_more)
{
    forward_owner side{forward_role::forward};
    side.machine.open(a80);
    side.machine.stop(errc::cancelled);
    side.machine.stop(errc::timed_out);
    EXPECT_TRUE(side.machine.finished());
    EXPECT_EQ(side.machine.error(), errc::cancelled);
    EXPECT_TRUE(side.machine.output().empty());
}

// Both ends in one process: whatever they do and however the bytes are cut, each connection's bytes arrive.
TEST(forward_machine, any_work_in_any_split_arrives)
{
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        seeded_random random{seed};
        forward_pair p;
        p.expose.consumes = p.forward.consumes = false;
        std::map<forward_number, std::string> up, down;
        std::map<forward_number, bool> accepted, reset, up_closed, down_closed;
        forward_number last = 0;
        const auto text = [&] {
            std::string out(random.below(100'000), '\0');
            for (char& c : out) c = static_cast<char>(random.next());
            return out;
        };
        for (int step = 0; step < 300; ++step) {
            const auto n = static_cast<forward_number>(last == 0 ? 1 : 1 + random.below(last));
            switch (random.below(9)) {
            case 0:
                if (const auto opened = p.forward.machine.open(a80)) last = *opened;
                break;
            case 1: {
                const std::string t = text();
                up[n] += t.substr(0, p.write(p.forward, n, t));
                break;
            }
            case 2: {
                const std::string t = text();
                down[n] += t.substr(0, p.write(p.expose, n, t));
                break;
            }
            case 3:
                p.expose.consume(n);
                break;
            case 4:
                p.forward.consume(n);
                break;
            case 5:
                p.exchange(1 + random.below(30'000));
                p.expose.machine.accept(n);
                break;
            case 6:
                if (random.below(8) == 0) {
                    reset[n] = true;
                    p.forward.machine.reset(n);
                } else {
                    p.forward.machine.close(n);
                }
                break;
            case 7:
                p.expose.machine.close(n);
                break;
            default:
                p.exchange(1 + random.below(30'000));
            }
        }
        p.exchange();
        EXPECT_FALSE(p.expose.machine.finished()) << seed << p.expose.machine.problem();
        EXPECT_FALSE(p.forward.machine.finished()) << seed << p.forward.machine.problem();
        std::size_t passed = 0;
        for (const auto& [n, sent] : up)
            EXPECT_TRUE(reset[n] || p.expose.got[n] == sent) << seed << ": " << n;
        for (const auto& [n, sent] : down) {
            EXPECT_TRUE(reset[n] || p.forward.got[n] == sent) << seed << ": " << n;
            passed += sent.size();
        }
        EXPECT_GT(passed, 0u) << seed;
    }
}

} // namespace
} // namespace parley::test
