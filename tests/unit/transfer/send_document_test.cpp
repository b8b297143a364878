#include "support/actors_world.hpp"

namespace parley::test {
namespace {

constexpr std::size_t document_bytes = 300'000;

// After everything has come to rest: what is still waiting (for somebody who will not come) is told to stop.
void cancel_what_waits(world& w, send_operation& s, receive_operation& r)
{
    w.settle();
    if (!s.done()) s.cancel.emit(asio::cancellation_type::terminal);
    if (!r.done()) r.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

// Whatever has happened: the destination holds all or nothing, and nobody claims more than is true.
void expect_consistent(const send_operation& s, const receive_operation& r, const byte_vector& content)
{
    ASSERT_TRUE(s.done());
    ASSERT_TRUE(r.done());
    const auto names = r.destination.names();
    if (r.succeeded()) {
        EXPECT_EQ(names, (std::set<std::string>{"document"}));
        EXPECT_TRUE(file_bytes(r.destination.path() / "document") == content);
    } else {
        EXPECT_TRUE(names.empty()) << *names.begin();
        EXPECT_FALSE(s.succeeded());
        EXPECT_TRUE(r.error());
        EXPECT_FALSE(r.message().empty());
    }
}

enum class fault_at { peer, relay };
struct fault_case {
    const char* name;
    fault_at end;
    stream_kind kind;
    const char* host;
};

// Every stream of a transfer, at either of its ends, fails at each of its operations in turn.
class every_step_fails : public ::testing::TestWithParam<fault_case> {};

INSTANTIATE_TEST_SUITE_P(
    streams, every_step_fails,
    ::testing::Values(fault_case{"sender_handshake", fault_at::peer, stream_kind::handshake, "10.0.0.1"},
                      fault_case{"sender_room", fault_at::peer, stream_kind::room, "10.0.0.1"},
                      fault_case{"receiver_handshake", fault_at::peer, stream_kind::handshake, "10.0.0.2"},
                      fault_case{"receiver_room", fault_at::peer, stream_kind::room, "10.0.0.2"},
                      fault_case{"relay_to_sender", fault_at::relay, stream_kind::handshake, "10.0.0.1"},
                      fault_case{"relay_to_receiver", fault_at::relay, stream_kind::handshake, "10.0.0.2"},
                      fault_case{"relay_room_sender", fault_at::relay, stream_kind::room, "10.0.0.1"},
                      fault_case{"relay_room_receiver", fault_at::relay, stream_kind::room, "10.0.0.2"}),
    [](const auto& shown) { return std::string{shown.param.name}; });

TEST_P(every_step_fails, and_leaves_all_or_nothing)
{
    const fault_case& fault = GetParam();
    const byte_vector content = random_bytes(document_bytes);
    std::size_t failures = 0, steps = 0;
    for (std::size_t failing = 0;; ++failing) {
        SCOPED_TRACE("operation " + std::to_string(failing));
        std::size_t operations = 0;
        world w;
        auto& wrap = fault.end == fault_at::peer ? w.wrap : w.wrap_relay_side;
        wrap = [&](any_stream stream, stream_kind kind, const std::string& host) {
            if (kind != fault.kind || host != fault.host) return stream;
            testing::fault_options options;
            options.failing_operation = failing;
            return testing::make_fault_stream(std::move(stream), options, &operations);
        };
        send_operation s;
        receive_operation r;
        w.send(s, bytes_source("document", content), "p");
        w.receive(r, "p");
        w.settle();
        // Once both are in the room, neither needs a timeout to notice that the other has gone.
        if (s.log.saw("entered_room") && r.log.saw("entered_room")) {
            EXPECT_TRUE(s.done());
            EXPECT_TRUE(r.done());
        }
        cancel_what_waits(w, s, r);
        expect_consistent(s, r, content);
        w.stop();
        if (!s.succeeded()) ++failures;
        if (operations <= failing) { // nothing has failed this time
            EXPECT_TRUE(s.succeeded()) << s.message();
            EXPECT_TRUE(r.succeeded()) << r.message();
        }
        steps = failing;
        if (HasFatalFailure() || operations <= failing) break;
    }
    EXPECT_GT(steps, 3u);
    EXPECT_GT(failures, 0u);
}

struct cancel_case {
    bool sender;
    const char* phase;
};

// Ctrl-C of one side as it reaches each phase.
class cancelled_at_every_phase : public ::testing::TestWithParam<cancel_case> {};

INSTANTIATE_TEST_SUITE_P(phases, cancelled_at_every_phase,
                         ::testing::Values(cancel_case{true, "connected"}, cancel_case{true, "identified"},
                                           cancel_case{true, "waiting"}, cancel_case{true, "agreed"},
                                           cancel_case{true, "entered_room"}, cancel_case{true, "progress"},
                                           cancel_case{true, "finishing"}, cancel_case{false, "connected"},
                                           cancel_case{false, "identified"}, cancel_case{false, "waiting"},
                                           cancel_case{false, "asked"}, cancel_case{false, "agreed"},
                                           cancel_case{false, "entered_room"}, cancel_case{false, "progress"},
                                           cancel_case{false, "finishing"}),
                         [](const auto& shown) {
                             return std::string{shown.param.sender ? "sender_" : "receiver_"} +
                                    shown.param.phase;
                         });

TEST_P(cancelled_at_every_phase, leaves_nothing)
{
    const byte_vector content = random_bytes(5 * document_bytes); // more than all buffers on the way hold
    for (const bool at_once : {true, false}) {
        SCOPED_TRACE(at_once ? "at once" : "in the next turn");
        world w;
        send_operation s;
        receive_operation r;
        auto& signal = GetParam().sender ? s.cancel : r.cancel;
        auto& log = GetParam().sender ? s.log : r.log;
        bool sent = false;
        log.on_phase = [&](const std::string& phase) {
            if (phase != GetParam().phase || std::exchange(sent, true)) return;
            if (at_once)
                signal.emit(asio::cancellation_type::terminal);
            else
                asio::post(w.context, [&] { signal.emit(asio::cancellation_type::terminal); });
        };
        w.send(s, bytes_source("document", content), "p");
        w.receive(r, "p");
        w.settle();
        EXPECT_TRUE(sent);
        const bool in_room = s.log.saw("entered_room") && r.log.saw("entered_room");
        if (in_room) {
            EXPECT_TRUE(s.done() && r.done()) << "the other side learns of it";
        }
        const bool cancelled_one_done = GetParam().sender ? s.done() : r.done();
        EXPECT_TRUE(cancelled_one_done);
        cancel_what_waits(w, s, r);
        expect_consistent(s, r, content);
        if (std::string_view{GetParam().phase} != "finishing") {
            EXPECT_EQ(GetParam().sender ? s.error() : r.error(), errc::cancelled);
            EXPECT_FALSE(r.succeeded());
        }
    }
}

// A receiver by hand: it agrees, enters, reads what it likes, and leaves as it likes.
class sending_to : public ::testing::Test {
protected:
    // A session of our receiver up to the room, then the stream is taken over by the test.
    void start(std::size_t size, send_options options = {})
    {
        content = random_bytes(size);
        w.wrap = [this](any_stream stream, stream_kind kind, const std::string& host) {
            if (kind != stream_kind::room || host != "10.0.0.2") return stream;
            // The receiver gets a stream that ends at once; the test keeps the real one.
            auto dead = make_memory_stream_pair(w.context.get_executor(), 1000);
            receiver_room.emplace(std::move(stream));
            return std::move(dead.first);
        };
        w.send(s, bytes_source("document", content), "p", options);
        w.receive(r, "p");
        ASSERT_TRUE(w.run_until([&] { return receiver_room.has_value() && s.log.saw("agreed"); }));
        ASSERT_TRUE(w.run_until([&] { return s.done() || s.log.saw("agreed"); }));
        receiver_room->write((s_identity() + "\n"));
        ASSERT_TRUE(w.run_until([&] { return s.log.saw("entered_room"); }));
    }
    std::string s_identity()
    {
        // The only peer of host 10.0.0.1.
        for (const std::string& line : w.log.lines)
            if (line.starts_with("connected 10.0.0.1:") && line.ends_with(" handshake"))
                return line.substr(10, line.size() - 10 - 10);
        return {};
    }
    world w;
    send_operation s;
    receive_operation r;
    byte_vector content;
    std::optional<raw_peer> receiver_room;
};

TEST_F(sending_to, a_receiver_that_ends_after_the_trailer_has_stored_it)
{
    ASSERT_NO_FATAL_FAILURE(start(100'000));
    receiver_room->start_reading();
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    w.settle();
    EXPECT_FALSE(s.done()) << "it waits for the receiver's word";
    EXPECT_FALSE(receiver_room->ended) << "and writes no end record meanwhile";
    receiver_room->shutdown_send();
    ASSERT_TRUE(w.run_until([&] { return s.done() && receiver_room->ended; }));
    EXPECT_TRUE(s.succeeded()) << s.message();
    EXPECT_EQ(*receiver_room->ended, asio::error::eof);
}

TEST_F(sending_to, an_end_record_after_the_trailer_counts_as_an_end)
{
    ASSERT_NO_FATAL_FAILURE(start(100));
    receiver_room->start_reading();
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    receiver_room->write("\xff\xff");
    w.settle();
    EXPECT_FALSE(s.done());
    receiver_room->write("\xff\xff");
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_TRUE(s.succeeded()) << s.message();
}

TEST_F(sending_to, a_receiver_that_resets_after_the_trailer_has_not)
{
    ASSERT_NO_FATAL_FAILURE(start(100'000));
    receiver_room->start_reading();
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    receiver_room->stream.reset_on_close(true);
    receiver_room->stream.close();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::peer_disconnected);
    EXPECT_EQ(s.result->error().phase, session_phase::finishing);
}

TEST_F(sending_to, a_receiver_that_ends_midway_is_noticed_while_writing)
{
    ASSERT_NO_FATAL_FAILURE(start(3'000'000));
    w.settle();
    EXPECT_FALSE(s.done()) << "nobody reads, so it is stuck in a write";
    receiver_room->shutdown_send();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::unconfirmed);
    EXPECT_EQ(s.result->error().phase, session_phase::transferring);
}

// A sender sees as far as the relay: what that has read for the receiver counts as arrived.
TEST_F(sending_to, a_receiver_that_ends_early_is_believed_when_the_relay_had_it_all)
{
    ASSERT_NO_FATAL_FAILURE(start(100));
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    w.settle();
    receiver_room->shutdown_send();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_TRUE(s.succeeded()) << s.message();
}

TEST_F(sending_to, a_receiver_that_ends_early_is_unconfirmed_when_the_relay_had_not)
{
    // More than the receiver's stream holds: the relay leaves the rest in the sender's.
    ASSERT_NO_FATAL_FAILURE(start(100'000));
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    w.settle();
    EXPECT_FALSE(s.done());
    receiver_room->shutdown_send();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::unconfirmed) << s.message();
    EXPECT_EQ(s.result->error().phase, session_phase::finishing);
}

TEST_F(sending_to, a_receiver_that_talks_breaks_a_rule)
{
    ASSERT_NO_FATAL_FAILURE(start(3'000'000));
    receiver_room->write("hello");
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::unexpected_packet);
}

TEST_F(sending_to, a_receiver_that_reads_nothing_times_out)
{
    ASSERT_NO_FATAL_FAILURE(start(3'000'000, send_options{}.idle_timeout(std::chrono::milliseconds{30})));
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::timed_out);
}

TEST_F(sending_to, a_receiver_at_work_has_a_time_of_its_own)
{
    send_options options;
    options.idle_timeout(std::chrono::milliseconds{500}).finish_timeout(std::chrono::milliseconds{1500});
    ASSERT_NO_FATAL_FAILURE(start(100, options));
    receiver_room->start_reading();
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    const time_point since = clock::now();
    ASSERT_TRUE(w.run_until([&] { return s.done(); }));
    EXPECT_EQ(s.error(), errc::timed_out);
    EXPECT_GE(clock::now() - since, std::chrono::milliseconds{1400});
}

TEST(send_document, a_file_that_changes_while_it_is_sent_ends_both)
{
    world w{over::tcp};
    temporary_folder home;
    const fs::path file = home.path() / "document";
    std::ofstream{file}.close();
    fs::resize_file(file, 64u << 20); // more than all buffers on the way hold
    send_operation s;
    receive_operation r;
    source_options stored;
    stored.compress = compression::never;
    auto source = document_source::open(file, stored);
    ASSERT_TRUE(source);
    s.log.on_phase = [&](const std::string& phase) {
        if (phase == "progress") fs::resize_file(file, 1'000'000);
    };
    w.send(s, std::move(*source), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
    EXPECT_EQ(s.error(), errc::document_changed) << s.message();
    EXPECT_NE(s.message().find("(document, after "), std::string::npos) << s.message();
    EXPECT_EQ(r.error(), errc::peer_disconnected) << r.message();
    EXPECT_TRUE(r.destination.names().empty());
}

TEST(send_document, a_file_that_changed_before_somebody_came_is_sent_as_it_is)
{
    world w{over::tcp};
    temporary_folder home;
    const fs::path file = home.path() / "document";
    std::ofstream{file} << "old";
    send_operation s;
    receive_operation r;
    auto source = document_source::open(file);
    ASSERT_TRUE(source);
    w.send(s, std::move(*source), "p");
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("waiting"); }));
    std::ofstream{home.path() / "new"} << "the new content";
    fs::rename(home.path() / "new", file);
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
    ASSERT_TRUE(s.succeeded() && r.succeeded()) << s.message() << r.message();
    const std::string_view expected = "the new content";
    EXPECT_TRUE(file_bytes(r.destination.path() / "document") ==
                byte_vector(expected.begin(), expected.end()));
}

TEST(send_document, a_file_that_is_gone_when_somebody_comes_is_named)
{
    world w{over::tcp};
    temporary_folder home;
    const fs::path file = home.path() / "document";
    std::ofstream{file} << "old";
    send_operation s;
    receive_operation r;
    auto source = document_source::open(file);
    ASSERT_TRUE(source);
    fs::remove(file);
    w.send(s, std::move(*source), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return s.done() && r.done(); }));
    EXPECT_EQ(s.error(), boost::system::errc::no_such_file_or_directory) << s.message();
    EXPECT_NE(s.message().find("(document)"), std::string::npos) << s.message();
    EXPECT_EQ(r.error(), errc::peer_disconnected) << r.message();
}

} // namespace
} // namespace parley::test
