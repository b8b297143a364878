#include <unit/proto/relay_bench.hpp>

#include <set>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

using bench = relay_bench;

void expect_empty(const bench& b)
{
    EXPECT_EQ(b.machine.count().connections, 0U);
    EXPECT_EQ(b.machine.count().servers, 0U);
    EXPECT_EQ(b.machine.count().clients, 0U);
    EXPECT_EQ(b.machine.next_deadline(), no_deadline);
}

TEST(relay_machine, says_nothing_before_the_hello)
{
    bench b;
    b.connect(0);
    EXPECT_EQ(b.take(), lines{});
    b.server(1);
    EXPECT_EQ(b.take(), lines{"to 1: 0000 server_identity p:1"}) << "the silent one is nobody's candidate";
    b.leave(0);
    b.leave(1);
    EXPECT_EQ(b.take(), lines{});
    expect_empty(b);
}

TEST(relay_machine, a_client_hears_of_the_waiting_servers_newest_first)
{
    bench b;
    b.server(10);
    b.server(11);
    b.client(12);
    EXPECT_EQ(b.take(), (lines{"to 10: 0000 server_identity p:10", "to 11: 0000 server_identity p:11",
                               "to 12: 0000 client_identity p:12", "to 12: 0000 new_server 0002 p:11",
                               "to 12: 0000 new_server 0001 p:10"}));
    EXPECT_EQ(b.machine.count().servers, 2U);
    EXPECT_EQ(b.machine.count().clients, 1U);
}

TEST(relay_machine, the_waiting_clients_hear_of_a_server)
{
    bench b;
    b.client(1);
    b.client(2);
    b.take();
    b.connect(3);
    b.say(3, relay_uid, packet::hello_as_a_server{bench::public_of(77)});
    const auto actions = b.actions();
    ASSERT_EQ(actions.size(), 3U);
    std::set<std::uint32_t> told;
    for (std::size_t i = 1; i < 3; ++i) {
        const auto& send = std::get<relay_action::send>(actions[i]);
        told.insert(number(send.to));
        const message expected{relay_uid, packet::new_server{uid{3}, bench::public_of(77), named("p:3")}};
        EXPECT_EQ(packets_in(send.packet->view()), std::vector{expected});
    }
    EXPECT_EQ(told, (std::set<std::uint32_t>{1, 2}));
}

TEST(relay_machine, a_repeated_hello_is_answered_and_one_of_the_other_kind_dropped)
{
    bench b;
    b.server(0);
    b.client(1);
    b.take();
    b.say(0, relay_uid, packet::hello_as_a_server{bench::public_of(9)});
    b.say(1, relay_uid, packet::hello_as_a_client{});
    EXPECT_EQ(b.take(), (lines{"to 0: 0000 server_identity p:0", "to 1: 0000 client_identity p:1"}));
    b.say(0, relay_uid, packet::hello_as_a_client{});
    b.say(1, relay_uid, packet::hello_as_a_server{});
    EXPECT_EQ(b.take(), (lines{"drop 0: 01 hello_of_other_kind", "drop 1: 00 hello_of_other_kind"}));
    EXPECT_EQ(b.machine.count().servers, 1U);
    EXPECT_EQ(b.machine.count().clients, 1U);
}

const std::vector<packet_variant>& one_of_each()
{
    static const std::vector<packet_variant> all{packet::hello_as_a_server{},
                                                 packet::hello_as_a_client{},
                                                 packet::server_identity{named("x:1")},
                                                 packet::client_identity{named("x:1")},
                                                 packet::new_server{uid{1}, {}, named("x:1")},
                                                 packet::client_validator{},
                                                 packet::y_and_server_validator{},
                                                 packet::x_and_client_identity{{}, named("x:1")},
                                                 packet::agreement{},
                                                 packet::closed{uid{1}},
                                                 packet::accepted{},
                                                 packet::refused{},
                                                 packet::relay_failure{},
                                                 packet::spoke_failure{},
                                                 packet::done{},
                                                 packet::timeout{}};
    return all;
}

// Every type, from each kind of peer to each destination: forwarded as section 3.5 says, or dropped with its
// reason.
TEST(relay_machine, forwards_only_what_the_table_says)
{
    const std::set<std::size_t> to_server{0x05, 0x07, 0x0a, 0x0b, 0x0d};
    const std::set<std::size_t> to_client{0x06, 0x08, 0x0d};
    const std::set<std::size_t> relay_only{0x02, 0x03, 0x04, 0x09, 0x0e, 0x0f};
    constexpr uid servers_uid{1}, other_servers_uid{2}, clients_uid{3}, other_clients_uid{4}, nobodys_uid{9};
    ASSERT_EQ(one_of_each().size(), 16U);
    for (std::size_t type = 0; type < 16; ++type) {
        ASSERT_EQ(one_of_each()[type].index(), type);
        for (const bool from_server : {false, true}) {
            for (const uid to :
                 {servers_uid, other_servers_uid, clients_uid, other_clients_uid, nobodys_uid, relay_uid}) {
                SCOPED_TRACE("type " + std::to_string(type) + (from_server ? " server" : " client") + " to " +
                             hex4(to));
                const std::uint32_t from = from_server ? 1 : 3;
                const uid own = from_server ? servers_uid : clients_uid;
                bench b;
                b.server(1);
                b.server(2);
                b.client(3);
                b.client(4);
                b.say(1, clients_uid, packet::agreement{});
                b.say(2, clients_uid, packet::agreement{});
                b.take();
                b.say(from, to, one_of_each()[type]);
                const auto said = b.actions();
                ASSERT_FALSE(said.empty());

                const auto& first = said[0];
                const bool hello = type < 2;
                const bool may = (from_server ? to_client : to_server).contains(type);
                const bool fits = to != nobodys_uid && to != relay_uid &&
                                  (to == servers_uid || to == other_servers_uid) != from_server;
                if (may && fits) {
                    const auto& send = std::get<relay_action::send>(first);
                    EXPECT_EQ(number(send.to), to.value);
                    EXPECT_EQ(packets_in(send.packet->view()),
                              (std::vector{message{own, one_of_each()[type]}}));
                    if (type != 0x0a) {
                        EXPECT_EQ(said.size(), 1U);
                    }
                    continue;
                }
                ASSERT_EQ(said.size(), 1U);
                if (hello && to == relay_uid && (type == 0) == from_server) continue; // answered, see above
                const auto& drop = std::get<relay_action::drop>(first);
                EXPECT_EQ(number(drop.from), from);
                EXPECT_EQ(drop.type, type);
                const drop_reason expected = relay_only.contains(type)  ? drop_reason::relay_only
                                             : type == 0x0c             ? drop_reason::reported_failure
                                             : hello && to == relay_uid ? drop_reason::hello_of_other_kind
                                             : hello || !may            ? drop_reason::wrong_direction
                                             : to == nobodys_uid || to == relay_uid
                                                 ? drop_reason::unknown_destination
                                                 : drop_reason::wrong_direction;
                EXPECT_EQ(drop_reason_name(drop.reason), drop_reason_name(expected));
            }
        }
    }
}

TEST(relay_machine, drops_everything_before_the_hello)
{
    for (std::size_t type = 2; type < 16; ++type) {
        bench b;
        b.server(0);
        b.connect(1);
        b.take();
        b.say(1, uid{1}, one_of_each()[type]);
        const auto said = b.actions();
        ASSERT_EQ(said.size(), 1U);
        const auto reason = std::get<relay_action::drop>(said[0]).reason;
        EXPECT_TRUE(reason == drop_reason::no_hello || reason == drop_reason::relay_only) << type;
    }
    bench b;
    b.connect(1);
    b.say(1, uid{1}, packet::hello_as_a_client{});
    EXPECT_EQ(b.take(), lines{"drop 1: 01 no_hello"}) << "a hello is for the relay";
}

TEST(relay_machine, a_silent_peer_cannot_be_reached)
{
    bench b;
    b.client(0);
    b.connect(1);
    b.take();
    b.say(0, uid{2}, packet::x_and_client_identity{{}, named("p:0")});
    EXPECT_EQ(b.take(), lines{"drop 0: 07 unknown_destination"});
}

TEST(relay_machine, accepted_makes_an_agreement_and_ends_both)
{
    bench b;
    b.server(0);
    b.server(1);
    b.client(2);
    b.client(3);
    b.say(0, uid{3}, packet::agreement{});
    b.take();
    b.say(2, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), (lines{"to 0: 0003 accepted", "to 2: 0000 done", "agree p:2 p:0", "close 2: success",
                               "close 0: success", "to 1: 0000 closed 0003", "to 3: 0000 closed 0001"}));
    EXPECT_EQ(b.machine.count().connections, 4U) << "until the owner says that they are gone";
    EXPECT_EQ(b.machine.count().servers, 1U);
    EXPECT_EQ(b.machine.count().clients, 1U);

    // Neither can send or receive any more, and nobody can reach them.
    b.say(2, uid{2}, packet::accepted{});
    b.say(0, uid{4}, packet::agreement{});
    b.break_rule(0, errc::bad_uid_digit);
    EXPECT_EQ(b.take(), lines{});
    b.say(3, uid{1}, packet::accepted{});
    EXPECT_EQ(b.take(), lines{"drop 3: 0a unknown_destination"});
    b.client(4);
    EXPECT_EQ(b.take(), (lines{"to 4: 0000 client_identity p:4", "to 4: 0000 new_server 0002 p:1"}));
    b.leave(0);
    b.leave(2);
    EXPECT_EQ(b.take(), lines{}) << "told already";
    for (const std::uint32_t c : connections{1, 3, 4}) b.leave(c);
    b.take();
    expect_empty(b);
}

TEST(relay_machine, candidates_of_one_that_leaves_are_told)
{
    struct way {
        std::string name;
        std::function<void(bench&, std::uint32_t)> act;
        std::function<lines(std::uint32_t)> to_itself_before, to_itself_after;
    };
    const auto nothing = [](std::uint32_t) { return lines{}; };
    const std::vector<way> ways{
        {"disconnect", [](bench& b, std::uint32_t c) { b.leave(c); }, nothing, nothing},
        {"malformed", [](bench& b, std::uint32_t c) { b.break_rule(c, errc::bad_uid_digit); },
         [](std::uint32_t c) { return lines{"to " + std::to_string(c) + ": 0000 closed 0000"}; },
         [](std::uint32_t c) {
             return lines{"close " + std::to_string(c) + ": " + text_of(errc::bad_uid_digit)};
         }},
    };
    for (const auto& w : ways) {
        for (const bool server_leaves : {false, true}) {
            SCOPED_TRACE(w.name);
            bench b;
            b.server(0);
            b.server(1);
            b.client(2);
            b.client(3);
            b.connect(4);
            b.take();
            const std::uint32_t gone = server_leaves ? 0 : 2;
            lines expected = w.to_itself_before(gone);
            const lines after = w.to_itself_after(gone);
            expected.insert(expected.end(), after.begin(), after.end());
            if (server_leaves) {
                expected.push_back("to 3: 0000 closed 0001");
                expected.push_back("to 2: 0000 closed 0001");
            } else {
                expected.push_back("to 1: 0000 closed 0003");
                expected.push_back("to 0: 0000 closed 0003");
            }
            w.act(b, gone);
            EXPECT_EQ(b.take(), expected);
            b.leave(gone);
            EXPECT_EQ(b.take(), lines{});
            for (const std::uint32_t c : connections{0, 1, 2, 3, 4}) b.leave(c);
            b.take();
            expect_empty(b);
        }
    }
}

TEST(relay_machine, a_malformed_packet_before_the_hello_ends_only_its_sender)
{
    bench b;
    b.server(0);
    b.connect(1);
    b.take();
    b.break_rule(1, errc::unknown_packet_type);
    EXPECT_EQ(b.take(), (lines{"to 1: 0000 closed 0000", "close 1: " + text_of(errc::unknown_packet_type)}));
}

TEST(relay_machine, refused_and_spoke_failure_end_the_candidacy)
{
    struct ending {
        std::uint32_t from;
        uid to;
        packet_variant body;
        std::string forwarded;
    };
    const std::vector<ending> endings{
        {1, uid{1}, packet::refused{}, "to 0: 0002 refused"},
        {1, uid{1}, packet::spoke_failure{}, "to 0: 0002 spoke_failure 00"},
        {0, uid{2}, packet::spoke_failure{}, "to 1: 0001 spoke_failure 00"},
    };
    for (const auto& e : endings) {
        for (const bool server_leaves : {false, true}) {
            bench b;
            b.server(0);
            b.client(1);
            b.server(2);
            b.client(3);
            b.take();
            b.say(e.from, e.to, e.body);
            EXPECT_EQ(b.take(), lines{e.forwarded});
            b.say(e.from, e.to, e.body); // a second time changes nothing
            EXPECT_EQ(b.take(), lines{e.forwarded});
            b.leave(server_leaves ? 0 : 1);
            EXPECT_EQ(b.take(),
                      server_leaves ? lines{"to 3: 0000 closed 0001"} : lines{"to 2: 0000 closed 0002"});
        }
    }
}

TEST(relay_machine, an_ended_pair_is_between_those_two_alone)
{
    bench b;
    b.server(0);
    b.client(1);
    b.client(2);
    b.server(3);
    b.say(1, uid{1}, packet::refused{});
    b.take();
    b.leave(1);
    EXPECT_EQ(b.take(), lines{"to 3: 0000 closed 0002"});
    b.leave(2);
    EXPECT_EQ(b.take(), (lines{"to 3: 0000 closed 0003", "to 0: 0000 closed 0003"}));
}

TEST(relay_machine, ended_pairs_are_remembered_up_to_a_bound)
{
    constexpr std::uint32_t servers = 200;
    bench b;
    for (std::uint32_t c = 1; c <= servers; ++c) b.server(c);
    b.client(0);
    for (std::uint16_t u = 1; u <= servers; ++u) b.say(0, uid{u}, packet::refused{});
    b.take();
    b.leave(0);
    const auto told = b.take();
    EXPECT_GT(told.size(), 0U);
    EXPECT_LT(told.size(), 100U) << "the first to end are not told, those past the bound are";
}

TEST(relay_machine, an_ended_pair_is_forgotten_with_its_number)
{
    bench b;
    b.client(0);
    b.server(1);
    b.say(0, uid{2}, packet::refused{});
    b.leave(1);
    // Every other number is used once, so that 2 is next.
    for (std::uint32_t i = 0; i < 0xffff - 2; ++i) {
        b.client(1);
        b.leave(1);
    }
    b.take();
    b.server(1);
    EXPECT_EQ(b.take(), (lines{"to 1: 0000 server_identity p:1", "to 0: 0000 new_server 0002 p:1"}));
    b.leave(0);
    EXPECT_EQ(b.take(), lines{"to 1: 0000 closed 0001"});
}

TEST(relay_machine, a_released_number_comes_back_as_late_as_can_be)
{
    bench b;
    b.server(0);
    std::set<std::uint16_t> seen;
    for (std::uint32_t i = 0; i < 0xfffe; ++i) {
        b.client(1);
        b.actions();
        b.say(1, uid{1}, packet::refused{}); // arrives with the client's number
        const auto said = b.actions();
        const auto& forwarded = std::get<relay_action::send>(said.at(0));
        EXPECT_TRUE(seen.insert(packets_in(forwarded.packet->view()).at(0).peer.value).second);
        b.leave(1);
    }
    EXPECT_EQ(seen.size(), 0xfffeU);
    EXPECT_FALSE(seen.contains(0));
    EXPECT_FALSE(seen.contains(1)) << "in use";
}

TEST(relay_machine, all_65535_numbers_are_usable_and_one_more_is_turned_away)
{
    bench b;
    for (std::uint32_t c = 0; c < 0xffff; ++c) b.client(c);
    EXPECT_EQ(b.actions().size(), 0xffffU);
    EXPECT_EQ(b.machine.count().clients, 0xffffU);

    b.client(0xffff);
    EXPECT_EQ(b.take(),
              (lines{"to 65535: 0000 closed 0000", "close 65535: " + text_of(errc::uid_exhausted)}));
    b.say(0xffff, relay_uid, packet::hello_as_a_client{});
    b.leave(0xffff);
    EXPECT_EQ(b.take(), lines{});

    b.leave(4711);
    b.server(0xffff);
    // The one free number is found, and its new_server is encoded once for all receivers.
    auto actions = b.actions();
    ASSERT_EQ(actions.size(), 0xffffU);
    std::set<std::uint32_t> told;
    const auto& shared = std::get<relay_action::send>(actions[1]).packet;
    EXPECT_EQ(std::get<packet::new_server>(packets_in(shared->view()).at(0).body).server, uid{4712});
    for (std::size_t i = 1; i < actions.size(); ++i) {
        const auto& send = std::get<relay_action::send>(actions[i]);
        ASSERT_EQ(send.packet.get(), shared.get());
        told.insert(number(send.to));
    }
    EXPECT_EQ(told.size(), 0xfffeU);
    actions.clear();

    // Every number reaches its peer, even the last one.
    b.say(0xffff, uid{0xffff}, packet::agreement{});
    b.say(0xffff, uid{1}, packet::agreement{});
    EXPECT_EQ(b.take(), (lines{"to 65534: 1268 agreement", "to 0: 1268 agreement"}));

    b.leave(0xffff);
    actions = b.actions();
    ASSERT_EQ(actions.size(), 0xfffeU);
    for (const auto& action : actions)
        ASSERT_EQ(std::get<relay_action::send>(action).packet.get(),
                  std::get<relay_action::send>(actions[0]).packet.get());
    for (std::uint32_t c = 0; c < 0xffff; ++c) b.leave(c);
    EXPECT_EQ(b.take(), lines{});
    expect_empty(b);
}

TEST(relay_machine, each_peers_time_counts_from_its_connection)
{
    bench b{at_once({.peer_timeout = 10s})};
    EXPECT_EQ(b.machine.next_deadline(), no_deadline);
    b.connect(0, 0s);
    b.connect(1, 1s);
    b.connect(2, 2s);
    b.say(1, relay_uid, packet::hello_as_a_server{});
    b.say(2, relay_uid, packet::hello_as_a_client{});
    b.take();
    EXPECT_EQ(b.machine.next_deadline(), start + 10s);
    b.expire(start + 10s - 1ns);
    EXPECT_EQ(b.take(), lines{});
    b.expire(start + 10s);
    EXPECT_EQ(b.take(), (lines{"to 0: 0000 timeout", "close 0: " + text_of(errc::timed_out)}));
    EXPECT_EQ(b.machine.next_deadline(), start + 11s);
    b.expire(start + 11s);
    EXPECT_EQ(b.take(), (lines{"to 1: 0000 timeout", "close 1: " + text_of(errc::timed_out),
                               "to 2: 0000 closed 0001"}));
    b.expire(start + 20s);
    EXPECT_EQ(b.take(), (lines{"to 2: 0000 timeout", "close 2: " + text_of(errc::timed_out)}))
        << "the other one is not told: it is closed";
    EXPECT_EQ(b.machine.next_deadline(), no_deadline);
    b.expire(start + 100h);
    for (const std::uint32_t c : connections{0, 1, 2}) b.leave(c);
    EXPECT_EQ(b.take(), lines{});
    expect_empty(b);
}

TEST(relay_machine, time_out_in_one_go_reaches_everyone_once)
{
    bench b{at_once({.peer_timeout = 10s})};
    for (const std::uint32_t c : connections{0, 1, 2}) b.server(c);
    b.client(3);
    b.take();
    b.expire(no_deadline);
    const lines said = b.take();
    for (const std::uint32_t c : connections{0, 1, 2, 3}) {
        EXPECT_EQ(std::count(said.begin(), said.end(), "to " + std::to_string(c) + ": 0000 timeout"), 1);
    }
}

TEST(relay_machine, no_timeout_is_a_time_that_never_comes)
{
    bench b{at_once({.peer_timeout = duration::max()})};
    b.connect(0, 1h);
    EXPECT_EQ(b.machine.next_deadline(), no_deadline);
    b.expire(start + 1000h);
    EXPECT_EQ(b.take(), lines{});
}

TEST(relay_machine, a_connections_number_is_used_again)
{
    bench b;
    b.client(5);
    b.leave(5);
    b.leave(5);
    b.leave(99);
    b.say(99, relay_uid, packet::hello_as_a_client{});
    b.say(5, relay_uid, packet::hello_as_a_client{});
    b.take();
    b.connect(5);
    EXPECT_EQ(b.machine.count().connections, 1U);
    b.say(5, relay_uid, packet::hello_as_a_server{});
    EXPECT_EQ(b.take(), lines{"to 5: 0000 server_identity p:5"});
}

TEST(relay_machine, every_drop_reason_has_a_name)
{
    std::set<std::string_view> names;
    for (int reason = 0; reason <= static_cast<int>(drop_reason::no_agreement); ++reason)
        names.insert(drop_reason_name(static_cast<drop_reason>(reason)));
    EXPECT_EQ(names.size(), 7U);
    EXPECT_FALSE(names.contains("unknown"));
}

} // namespace
} // namespace parley::test
