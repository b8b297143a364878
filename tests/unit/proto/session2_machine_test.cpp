#include <unit/proto/session2_bench.hpp>

#include <boost/system/errc.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

static_assert(TimedMachine<session2_machine>);

const std::string opened_text = "hello test peer 1";

// A client, and the test as its server.
struct client_of_test : session2_side {
    client_of_test() : session2_side{session_role::client, some_session2_keys()}
    {
        EXPECT_EQ(sent(), lines{"hello test"});
    }
    // The session is open.
    static client_of_test opened()
    {
        client_of_test out;
        out.feed(out.make.hello());
        EXPECT_EQ(out.take(), lines{opened_text});
        return out;
    }
    lines sent() { return tap.read(take_output()); }

    record_maker make{some_session2_keys().server};
    record_tap tap{some_session2_keys().client};
};

void expect_finished(const session2_side& side, const error_code& why)
{
    EXPECT_TRUE(side.machine.finished());
    EXPECT_EQ(side.machine.error(), why);
    EXPECT_TRUE(side.machine.output().empty());
    EXPECT_EQ(side.machine.next_deadline(), no_deadline);
}

// --- the negative cases of the vectors

lines expected_events(const nlohmann::json& c)
{
    lines out;
    for (const nlohmann::json& each : c.at("events_before")) {
        const std::string name = each.at(0);
        if (name == "hello")
            out.push_back("hello " + each.at(1).get<std::string>() + ' ' + each.at(2).get<std::string>());
        else if (name == "data")
            out.push_back("data " + std::string{as_text(session2_bytes(each.at(1)))});
        else if (name == "abort")
            out.push_back("abort " + std::to_string(each.at(1).get<int>()) + ' ' +
                          each.at(2).get<std::string>());
        else
            out.push_back(name);
    }
    return out;
}

void check_negative(const nlohmann::json& c, const session2_keys& keys, std::size_t step)
{
    ASSERT_EQ(c.at("reader"), "client");
    session2_side side{session_role::client, keys, {"parley.document", "us"}};
    record_tap tap{keys.client, keys.with};
    EXPECT_EQ(tap.read(side.take_output()), lines{"hello parley.document"});
    const byte_vector input = session2_bytes(c.at("input"));
    side.feed(input, step);
    if (c.at("then_end_of_stream").get<bool>()) side.machine.receive_end();

    lines expected = expected_events(c);
    const std::string reaction = c.at("reaction"), why = c.at("why");
    if (reaction == "none") {
        EXPECT_EQ(side.take(), expected);
        EXPECT_FALSE(side.machine.finished());
        EXPECT_TRUE(side.take_output().empty());
        return;
    }
    lines events = side.take();
    ASSERT_FALSE(events.empty());
    EXPECT_TRUE(events.back().starts_with("failed: ")) << events.back();
    events.pop_back();
    EXPECT_EQ(events, expected);
    if (reaction == "closes" || reaction == "closes without a word") {
        EXPECT_TRUE(side.machine.finished());
        EXPECT_TRUE(side.take_output().empty());
        EXPECT_EQ(side.machine.error() == condition::transport, reaction == "closes without a word");
        EXPECT_EQ(side.failure, reaction == "closes" ? "" : why);
        return;
    }
    ASSERT_TRUE(reaction.starts_with("abort ")) << reaction;
    EXPECT_EQ(side.failure, why);
    const lines sent = tap.read(side.take_output());
    EXPECT_EQ(sent, lines{"abort " + std::to_string(std::stoi(reaction.substr(6))) + ' ' + why});
    EXPECT_FALSE(side.machine.finished()) << "it goes on reading";
    side.machine.receive_end();
    expect_finished(side, reaction == "abort 09" ? errc::protocol_mismatch : errc::bad_record);
}

TEST(session2_machine_vectors, reacts_to_every_fault_in_any_split)
{
    const nlohmann::json all = session2_records();
    ASSERT_FALSE(all.at("negatives").empty());
    for (const nlohmann::json& c : all.at("negatives")) {
        if (c.at("sequence") != 0) continue; // session2_records_test.cpp
        const session2_keys keys = session2_keys_of(all, c.at("cipher"));
        for (const std::size_t step :
             {static_cast<std::size_t>(-1), std::size_t{1}, std::size_t{3}, std::size_t{19}}) {
            SCOPED_TRACE(c.at("name").get<std::string>() + ", in pieces of " + std::to_string(step));
            ASSERT_NO_THROW(check_negative(c, keys, step));
        }
    }
}

// --- two sides

struct session2_pair {
    explicit session2_pair(cipher with = cipher::aes_256_gcm)
        : server{session_role::server, some_session2_keys(with)},
          client{session_role::client, some_session2_keys(with)}
    {
    }
    session2_side server, client;

    // Carries bytes both ways until nothing moves.
    void carry(std::size_t step = static_cast<std::size_t>(-1))
    {
        for (;;) {
            const byte_vector there = server.take_output(), back = client.take_output();
            if (there.empty() && back.empty()) return;
            client.feed(there, step);
            server.feed(back, step);
        }
    }
};

TEST(session2_machine, carries_bytes_both_ways_and_ends_each_by_itself)
{
    session2_pair both;
    EXPECT_EQ(both.server.machine.write(as_bytes("early")), 0U);
    both.carry();
    EXPECT_EQ(both.server.take(), lines{"hello test us"});
    EXPECT_EQ(both.client.take(), lines{"hello test us"});

    EXPECT_EQ(both.server.machine.write(as_bytes("to the client")), 13U);
    both.server.machine.end();
    both.server.machine.end();
    EXPECT_EQ(both.server.machine.write(as_bytes("late")), 0U);
    both.carry();
    EXPECT_EQ(both.client.take(), (lines{"data to the client", "end"}));
    EXPECT_FALSE(both.server.machine.finished());
    EXPECT_EQ(both.client.machine.write(as_bytes("still open")), 10U);
    both.carry();
    EXPECT_EQ(both.server.take(), lines{"data still open"});
    both.client.machine.end();
    EXPECT_TRUE(both.client.machine.finished()) << "it has sent its end and read the other one";
    EXPECT_FALSE(both.client.machine.output().empty());
    both.carry();
    EXPECT_EQ(both.server.take(), lines{"end"});
    expect_finished(both.server, {});
    expect_finished(both.client, {});
}

TEST(session2_machine, carries_any_bytes_in_any_split)
{
    seeded_random random{73};
    for (const cipher with : {cipher::aes_256_gcm, cipher::chacha20_poly1305})
        for (const std::size_t step :
             {std::size_t{1}, std::size_t{7}, std::size_t{5000}, std::size_t{200'000}}) {
            session2_pair both{with};
            both.carry(step);
            const byte_vector down = random.bytes(300'000), up = random.bytes(step == 1 ? 10 : 100'000);
            std::size_t down_at = 0, up_at = 0;
            while (down_at < down.size() || up_at < up.size()) {
                down_at += both.server.machine.write(bytes_view{down}.subspan(
                    down_at, std::min<std::size_t>(down.size() - down_at, 1 + random.below(150'000))));
                up_at += both.client.machine.write(bytes_view{up}.subspan(
                    up_at, std::min<std::size_t>(up.size() - up_at, 1 + random.below(50'000))));
                both.carry(step);
            }
            both.client.machine.end();
            both.server.machine.end();
            both.carry(step);
            EXPECT_EQ(both.client.data, down);
            EXPECT_EQ(both.server.data, up);
            expect_finished(both.client, {});
            expect_finished(both.server, {});
        }
}

TEST(session2_machine, another_protocol_is_told_on_both_sides)
{
    const session2_keys keys = some_session2_keys();
    session2_side server{session_role::server, keys, {"chat", "a"}},
        client{session_role::client, keys, {"rpc", "b"}};
    const byte_vector there = server.take_output(), back = client.take_output();
    client.feed(there);
    server.feed(back);
    EXPECT_EQ(client.failure, "the protocol is 'chat' there, 'rpc' here");
    EXPECT_EQ(server.failure, "the protocol is 'rpc' there, 'chat' here");
    record_tap tap{keys.client};
    tap.read(back);
    EXPECT_EQ(tap.read(client.take_output()), lines{"abort 9 " + client.failure});
    for (session2_side* side : {&client, &server}) {
        EXPECT_EQ(side->take(), lines{"failed: " + text_of(errc::protocol_mismatch)});
        side->machine.receive_end();
        EXPECT_EQ(side->machine.error(), errc::protocol_mismatch);
    }
}

TEST(session2_machine, needs_a_name_and_a_cipher_of_version_2)
{
    const auto nameless =
        session2_machine::create(session_role::client, some_session2_keys(), {"A b", ""}, {});
    ASSERT_FALSE(nameless);
    EXPECT_EQ(nameless.error(), boost::system::errc::invalid_argument);
    const auto ccm = session2_machine::create(session_role::client, some_session2_keys(cipher::aes_256_ccm),
                                              {"test", ""}, {});
    ASSERT_FALSE(ccm);
    EXPECT_EQ(ccm.error(), errc::record_layout_impossible);
}

// --- before the hello

TEST(session2_machine, sends_nothing_but_its_hello_before_the_other_one)
{
    client_of_test b;
    EXPECT_FALSE(b.machine.is_writable());
    EXPECT_EQ(b.machine.write(as_bytes("a")), 0U);
    b.machine.end();
    b.pass(20s);
    EXPECT_EQ(b.sent(), lines{}) << "no ping, no end";
    b.feed(b.make.hello());
    EXPECT_EQ(b.sent(), lines{"end"});
}

TEST(session2_machine, waits_30_seconds_for_the_hello)
{
    client_of_test b;
    const byte_vector hello = b.make.hello();
    EXPECT_EQ(b.machine.next_deadline(), session2_start + 30s);
    b.pass(29s);
    b.feed(bytes_view{hello}.first(10)); // a piece is no hello
    EXPECT_FALSE(b.machine.finished());
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::hello_missing)});
    expect_finished(b, errc::hello_missing);
    EXPECT_EQ(b.machine.error(), condition::transport);
}

TEST(session2_machine, may_abort_before_the_hello)
{
    client_of_test b;
    b.machine.abort(session_reason::no_space, "full", errc::no_room);
    EXPECT_EQ(b.sent(), lines{"abort 3 full"});
    b.feed(b.make.hello());
    EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::no_room)});
}

// --- back-pressure

TEST(session2_machine, takes_nothing_while_the_owner_has_not_taken_what_came)
{
    client_of_test b = client_of_test::opened();
    b.reads = false;
    byte_vector both = b.make(record_type::data, as_bytes("first"));
    append_bytes(both, b.make(record_type::data, as_bytes("second")));
    bytes_view left = b.feed(both);
    EXPECT_EQ(b.take(), lines{"readable"});
    EXPECT_EQ(left.size(), 20U + 6U);
    EXPECT_EQ(as_text(b.machine.received()), "first");
    b.machine.consume_received(3);
    EXPECT_EQ(as_text(b.machine.received()), "st");
    EXPECT_EQ(b.feed(left).size(), left.size());
    b.machine.consume_received(100);
    EXPECT_TRUE(b.feed(left).empty());
    EXPECT_EQ(as_text(b.machine.received()), "second");

    b.machine.receive_end();
    EXPECT_EQ(b.take(), (lines{"readable", "failed: " + text_of(errc::peer_disconnected)}));
    EXPECT_EQ(as_text(b.machine.received()), "second") << "what was authentic stays so";
    b.machine.consume_received(6);
    EXPECT_TRUE(b.machine.received().empty());
}

TEST(session2_machine, bounds_what_waits_to_be_written)
{
    client_of_test b = client_of_test::opened();
    constexpr std::size_t full = 256 * 1024;
    const byte_vector much(1'000'000, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 300; ++i) taken += b.machine.write(bytes_view{much}.subspan(taken, 1000));
    EXPECT_FALSE(b.machine.is_writable());
    EXPECT_GE(b.machine.output().size(), full);
    EXPECT_LE(b.machine.output().size(), full + 1020U);
    b.machine.consume_output(2000);
    EXPECT_TRUE(b.machine.is_writable());
    taken += b.machine.write(bytes_view{much}.subspan(taken));
    EXPECT_LE(b.machine.output().size(), full + 65'536U + 20U);
    EXPECT_EQ(b.machine.write(bytes_view{much}.subspan(taken)), 0U);
    b.machine.end();
    EXPECT_LE(b.machine.output().size(), full + 65'536U + 40U) << "the end always has room";
}

// --- time

TEST(session2_machine, pings_when_it_has_sent_nothing_for_15_seconds)
{
    client_of_test b = client_of_test::opened();
    const auto heard = [&] { b.feed(b.make(record_type::ping)); };
    EXPECT_EQ(b.machine.next_deadline(), b.now + 15s);
    b.pass(14s);
    EXPECT_EQ(b.sent(), lines{});
    b.pass(1s);
    EXPECT_EQ(b.sent(), lines{"ping"});
    heard();
    b.pass(10s);
    b.machine.write(as_bytes("a"));
    EXPECT_EQ(b.sent(), lines{"data a"});
    b.pass(14s);
    EXPECT_EQ(b.sent(), lines{});
    heard();
    b.machine.write(as_bytes("b"));
    b.pass(40s);
    EXPECT_EQ(b.sent(), lines{"data b"}) << "bytes that wait are worth a ping";
    heard();
    b.machine.end();
    EXPECT_EQ(b.sent(), lines{"end"});
    b.pass(15s);
    EXPECT_EQ(b.sent(), lines{"ping"}) << "also after the end";
}

TEST(session2_machine, a_peer_that_is_silent_for_60_seconds_is_gone)
{
    client_of_test b = client_of_test::opened();
    const byte_vector record = b.make(record_type::data, as_bytes("abc"));
    b.pass(59s);
    b.feed(bytes_view{record}.first(1));
    b.pass(59s);
    EXPECT_FALSE(b.machine.finished()) << "one byte is enough";
    b.sent();
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::peer_silent)});
    expect_finished(b, errc::peer_silent);
    EXPECT_EQ(b.machine.error(), condition::transport);
}

TEST(session2_machine, nobody_is_silent_while_this_side_does_not_read)
{
    client_of_test b = client_of_test::opened();
    b.reads = false;
    b.feed(b.make(record_type::data, as_bytes("abc")));
    for (int i = 0; i < 100; ++i) {
        b.pass(15s);
        b.sent();
    }
    b.machine.consume_received(2);
    b.pass(600s);
    EXPECT_FALSE(b.machine.finished());
    b.machine.consume_received(1);
    b.pass(59s);
    EXPECT_FALSE(b.machine.finished());
    b.pass(1s);
    EXPECT_EQ(b.machine.error(), errc::peer_silent);
}

// --- giving up

TEST(session2_machine, after_an_abort_reads_on_for_5_seconds)
{
    client_of_test b = client_of_test::opened();
    b.machine.write(as_bytes("before"));
    b.machine.abort(session_reason::cancelled, "enough", errc::cancelled);
    b.machine.abort(session_reason::internal, "again", errc::timed_out);
    EXPECT_EQ(b.sent(), (lines{"data before", "abort 2 enough"}));
    EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::cancelled)});
    EXPECT_EQ(b.machine.next_deadline(), b.now + 5s);
    EXPECT_FALSE(b.machine.error()) << "not finished yet";
    EXPECT_EQ(b.machine.write(as_bytes("after")), 0U);
    b.machine.end();
    const byte_vector junk(200'000, 0xff);
    EXPECT_TRUE(b.feed(junk).empty()) << "thrown away";
    b.pass(4s);
    EXPECT_FALSE(b.machine.finished());
    b.pass(1s);
    EXPECT_EQ(b.take(), lines{});
    expect_finished(b, errc::cancelled);
}

TEST(session2_machine, may_give_up_by_the_streams_own_words)
{
    for (const bool ended_before : {false, true}) {
        client_of_test b = client_of_test::opened();
        b.machine.write(as_bytes("no"));
        if (ended_before) b.machine.end();
        b.machine.end_and_discard(errc::refused_by_user);
        EXPECT_EQ(b.sent(), (lines{"data no", "end"}));
        EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::refused_by_user)});
        b.feed(b.make(record_type::data, as_bytes("late")));
        b.feed(b.make(record_type::end));
        EXPECT_EQ(b.take(), lines{}) << "thrown away";
        EXPECT_FALSE(b.machine.finished()) << "the other side closes";
        b.machine.receive_end();
        expect_finished(b, errc::refused_by_user);
    }
    client_of_test early;
    early.machine.end_and_discard(errc::refused_by_user);
    EXPECT_EQ(early.sent(), lines{"abort 2 "});
}

TEST(session2_machine, lingers_until_the_other_side_gives_up_too)
{
    client_of_test b = client_of_test::opened();
    b.machine.abort(session_reason::cancelled, "", errc::cancelled);
    b.feed(b.make(record_type::data, as_bytes("late")));
    EXPECT_FALSE(b.machine.finished());
    b.feed(b.make(record_type::abort, encode(session2_abort{session_reason::cancelled, ""})));
    EXPECT_TRUE(b.machine.finished());
    EXPECT_EQ(b.machine.error(), errc::cancelled);
}

TEST(session2_machine, lingers_until_the_transports_end)
{
    client_of_test b = client_of_test::opened();
    b.feed(b.make(record_type::hello));
    EXPECT_EQ(b.sent(), lines{"abort 8 a hello out of its place"});
    b.machine.receive_end();
    expect_finished(b, errc::bad_record);
    EXPECT_EQ(b.machine.error(), condition::peer_fault);
}

TEST(session2_machine, does_not_linger_when_the_transport_has_ended)
{
    client_of_test b = client_of_test::opened();
    b.feed(b.make(record_type::end));
    b.machine.receive_end();
    EXPECT_FALSE(b.machine.finished()) << "this side may still write";
    b.machine.write(as_bytes("a"));
    EXPECT_EQ(b.sent(), lines{"data a"});
    b.machine.abort(session_reason::cancelled, "", errc::cancelled);
    EXPECT_EQ(b.sent(), lines{"abort 2 "});
    expect_finished(b, errc::cancelled);
}

TEST(session2_machine, an_abort_that_is_read_is_not_answered)
{
    const std::pair<session_reason, errc> reasons[] = {
        {session_reason::refused_by_user, errc::refused_by_peer},
        {session_reason::cancelled, errc::aborted_by_peer},
        {session_reason::protocol, errc::protocol_mismatch},
        {session_reason::internal, errc::aborted_by_peer},
    };
    for (const auto& [reason, why] : reasons) {
        client_of_test b = client_of_test::opened();
        b.machine.write(as_bytes("nobody reads this"));
        b.feed(b.make(record_type::abort, encode(session2_abort{reason, "text"})));
        EXPECT_EQ(b.take(), (lines{"abort " + std::to_string(static_cast<int>(reason)) + " text",
                                   "failed: " + text_of(why)}));
        expect_finished(b, why);
    }
}

TEST(session2_machine, stops_with_or_without_a_word)
{
    for (const errc why : {errc::cancelled, errc::timed_out}) {
        client_of_test b = client_of_test::opened();
        b.machine.stop(why);
        EXPECT_EQ(b.sent(), lines{"abort 2 "});
        EXPECT_FALSE(b.machine.finished());
        b.machine.stop(errc::unexpected_end);
        expect_finished(b, why);
    }
    client_of_test b = client_of_test::opened();
    b.machine.write(as_bytes("lost"));
    const auto reset = make_error_code(boost::system::errc::connection_reset);
    b.machine.stop(reset);
    EXPECT_EQ(b.take(), lines{"failed: " + text_of(reset)});
    expect_finished(b, reset);
    b.machine.stop(errc::cancelled);
    b.machine.receive_end();
    b.machine.end();
    b.machine.abort(session_reason::internal, "", errc::cancelled);
    b.pass(100s);
    EXPECT_EQ(b.take(), lines{});
    expect_finished(b, reset);
}

// --- what anybody on the way can do

// Whatever is changed on the way, the stream's beginning arrives or nothing, and no rule is the peer's fault.
TEST(session2_machine, a_changed_bit_is_the_connections_failure)
{
    record_maker make{some_session2_keys().server};
    byte_vector stream = make.hello();
    append_bytes(stream, make(record_type::data, as_bytes("abc")));
    append_bytes(stream, make(record_type::end));
    for (std::size_t bit = 0; bit < 8 * stream.size(); ++bit) {
        byte_vector changed = stream;
        changed[bit / 8] = static_cast<byte>(changed[bit / 8] ^ (1U << (bit % 8)));
        client_of_test b;
        b.feed(changed);
        b.machine.receive_end(); // a longer n waits for more
        ASSERT_TRUE(b.machine.finished()) << bit;
        ASSERT_EQ(b.machine.error(), condition::transport) << bit;
        ASSERT_TRUE(b.data.empty() || as_text(b.data) == "abc");
        ASSERT_TRUE(b.take_output().empty()) << "without a word";
        for (const std::string& line : b.take()) ASSERT_NE(line, "end");
    }
}

TEST(session2_machine, a_stream_cut_anywhere_has_no_end)
{
    record_maker make{some_session2_keys().server};
    byte_vector stream = make.hello();
    append_bytes(stream, make(record_type::data, as_bytes("abc")));
    append_bytes(stream, make(record_type::end));
    for (std::size_t size = 0; size < stream.size(); ++size) {
        client_of_test b;
        b.feed(bytes_view{stream}.first(size));
        b.machine.receive_end();
        EXPECT_EQ(b.machine.error(), errc::peer_disconnected) << size;
        for (const std::string& line : b.take()) EXPECT_NE(line, "end") << size;
        EXPECT_EQ(b.failure, "the connection ended before the stream did");
    }
}

// After each step of a session, each record that has no place there.
TEST(session2_machine, every_record_out_of_its_place_is_the_peers_fault)
{
    using step = std::function<void(client_of_test&)>;
    const std::vector<step> steps = {
        [](client_of_test& b) { b.feed(b.make.hello()); },
        [](client_of_test& b) { b.feed(b.make(record_type::data, as_bytes("abc"))); },
        [](client_of_test& b) { b.feed(b.make(record_type::end)); },
    };
    const std::string text = "a";
    for (std::size_t played = 0; played <= steps.size(); ++played)
        for (int type = 0; type < 256; ++type)
            for (const bool is_empty : {true, false}) {
                SCOPED_TRACE("step " + std::to_string(played) + " type " + std::to_string(type));
                const bool fits = (type == 0 && !is_empty && (played == 1 || played == 2)) ||
                                  (type == 1 && is_empty && (played == 1 || played == 2)) ||
                                  (type == 2 && is_empty && played > 0);
                client_of_test b;
                for (std::size_t i = 0; i < played; ++i) steps[i](b);
                b.take();
                b.feed(b.make(type, is_empty ? bytes_view{} : as_bytes(text)));
                if (fits) {
                    EXPECT_FALSE(b.machine.finished());
                    EXPECT_EQ(b.sent(), lines{});
                    continue;
                }
                EXPECT_EQ(b.take(), lines{"failed: " + text_of(errc::bad_record)});
                EXPECT_EQ(b.sent(), lines{"abort 8 " + b.failure});
            }
}

} // namespace
} // namespace parley::test
