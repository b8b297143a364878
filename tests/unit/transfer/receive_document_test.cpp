#include "support/actors_world.hpp"

#include <parley/async/event.hpp>
#include <parley/proto/record_stream.hpp>

#include <boost/asio/post.hpp>

namespace parley::test {
namespace {

// A sender by hand: a real one agrees, then the test takes its room and says what it likes.
class receiving_from : public ::testing::Test {
protected:
    void start(receive_options options = {})
    {
        w.wrap = [this](any_stream stream, stream_kind kind, const std::string& host) {
            if (kind != stream_kind::room || host != "10.0.0.1") return stream;
            auto dead = make_memory_stream_pair(w.context.get_executor(), 1000);
            sender_room.emplace(std::move(stream));
            return std::move(dead.first);
        };
        w.send(s, bytes_source("document", random_bytes(1000)), "p");
        w.receive(r, "p", options);
        ASSERT_TRUE(w.run_until([&] { return sender_room && r.log.saw("agreed"); }));
        sender_room->start_reading();
        sender_room->write(identity_of_receiver() + "\n");
        ASSERT_TRUE(w.run_until([&] { return r.log.saw("entered_room"); }));
    }
    std::string identity_of_receiver()
    {
        for (const std::string& line : w.log.lines)
            if (line.starts_with("connected 10.0.0.2:") && line.ends_with(" handshake"))
                return line.substr(10, line.size() - 10 - 10);
        return {};
    }
    void expect_failure(errc code)
    {
        ASSERT_TRUE(w.run_until([&] { return r.done(); }));
        EXPECT_EQ(r.error(), code) << r.message();
        EXPECT_TRUE(r.destination.names().empty());
        ASSERT_TRUE(w.run_until([&] { return sender_room->ended.has_value(); }));
    }
    world w;
    send_operation s;
    receive_operation r;
    std::optional<raw_peer> sender_room;
};

TEST_F(receiving_from, a_sender_that_ends_without_a_byte)
{
    ASSERT_NO_FATAL_FAILURE(start());
    sender_room->shutdown_send();
    expect_failure(errc::peer_disconnected);
    EXPECT_EQ(*sender_room->ended, asio::error::connection_reset) << "no word of success";
}

TEST_F(receiving_from, a_sender_that_resets)
{
    ASSERT_NO_FATAL_FAILURE(start());
    sender_room->stream.reset_on_close(true);
    sender_room->stream.close();
    expect_failure(errc::peer_disconnected);
}

TEST_F(receiving_from, bytes_that_are_no_records)
{
    ASSERT_NO_FATAL_FAILURE(start());
    sender_room->write(std::string(100, '\x01'));
    w.settle();
    EXPECT_FALSE(r.done()) << "a record of 257 bytes may still come";
    sender_room->write(std::string(1000, '\x01'));
    expect_failure(errc::record_forged);
}

TEST_F(receiving_from, a_length_beyond_the_bound)
{
    ASSERT_NO_FATAL_FAILURE(start());
    sender_room->write("\x80\x01 and so on");
    expect_failure(errc::record_too_long);
}

TEST_F(receiving_from, an_end_record_is_no_proof)
{
    ASSERT_NO_FATAL_FAILURE(start());
    sender_room->write("\xff\xff\xff\xff");
    expect_failure(errc::peer_disconnected);
}

TEST_F(receiving_from, silence)
{
    ASSERT_NO_FATAL_FAILURE(start(receive_options{}.idle_timeout(std::chrono::milliseconds{20})));
    expect_failure(errc::timed_out);
}

// The user thinks; meanwhile the connection is read, and the question is withdrawn when its sender leaves.
TEST(receive_document, a_question_is_withdrawn_with_its_sender)
{
    world w;
    send_operation first, second;
    receive_operation r;
    bool aborted = false;
    int questions = 0;
    r.log.on_question = [&](identity) -> awaitable<bool> {
        if (++questions > 1) co_return true;
        event never{w.context.get_executor()};
        co_await never.wait_or_cancelled();
        aborted = !never.is_signaled();
        co_return true; // too late to count
    };
    w.send(first, bytes_source("first", random_bytes(10)), "p");
    w.receive(r, "p");
    w.settle();
    EXPECT_EQ(questions, 1);
    first.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
    EXPECT_EQ(first.error(), errc::cancelled);
    EXPECT_TRUE(aborted);
    EXPECT_EQ(r.log.withdrawals, 1);
    EXPECT_FALSE(r.done());
    w.send(second, bytes_source("second", random_bytes(10)), "p");
    w.settle();
    EXPECT_EQ(questions, 2);
    EXPECT_TRUE(r.succeeded()) << r.message();
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"second"}));
}

TEST(receive_document, one_question_at_a_time)
{
    world w;
    send_operation first, second;
    receive_operation r;
    std::vector<std::string> asked;
    event answered{w.context.get_executor()};
    r.log.on_question = [&](identity peer) -> awaitable<bool> {
        asked.emplace_back(peer.text());
        const bool answer = asked.size() == 2;
        co_await answered.wait();
        co_return answer;
    };
    w.send(first, bytes_source("first", random_bytes(10)), "p", {}, "10.0.0.1");
    w.send(second, bytes_source("second", random_bytes(10)), "p", {}, "10.0.0.3");
    w.receive(r, "p");
    w.settle();
    EXPECT_EQ(asked.size(), 1u);
    answered.signal(); // no to the first
    w.settle();
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_NE(asked[0], asked[1]);
    EXPECT_EQ(first.log.refusals + second.log.refusals, 1);
    answered.signal(); // yes to the second
    w.settle();
    EXPECT_TRUE(r.succeeded()) << r.message();
    send_operation& refused = first.log.refusals == 1 ? first : second;
    EXPECT_FALSE(refused.done());
    refused.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

TEST(receive_document, cancelled_while_the_user_thinks)
{
    world w;
    send_operation s;
    receive_operation r;
    bool question_ended = false;
    r.log.on_question = [&](identity) -> awaitable<bool> {
        event never{w.context.get_executor()};
        co_await never.wait_or_cancelled();
        question_ended = true;
        co_return true;
    };
    w.send(s, bytes_source("document", random_bytes(10)), "p");
    w.receive(r, "p");
    w.settle();
    EXPECT_FALSE(r.done());
    r.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
    EXPECT_TRUE(question_ended);
    EXPECT_EQ(r.error(), errc::cancelled);
    EXPECT_FALSE(s.done()) << "the sender waits for another";
    s.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

TEST(receive_document, an_observer_that_throws_means_no)
{
    world w;
    send_operation s;
    receive_operation r;
    std::vector<std::string> reports;
    set_exception_reporter([&](std::string_view name, std::string_view) { reports.emplace_back(name); });
    r.log.on_question = [&](identity) -> awaitable<bool> {
        if (reports.empty()) throw std::runtime_error{"no terminal"};
        co_return true;
    };
    w.send(s, bytes_source("document", random_bytes(10)), "p");
    w.receive(r, "p");
    w.settle();
    set_exception_reporter({});
    EXPECT_EQ(reports.size(), 1u);
    EXPECT_EQ(s.log.refusals, 1);
    EXPECT_FALSE(r.done());
    s.cancel.emit(asio::cancellation_type::terminal);
    r.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

// ---- the question about the document

// A user who thinks about a document until the test answers.
class thinking : public ::testing::Test {
protected:
    thinking()
    {
        r.log.on_document = [this](offered_document) -> awaitable<bool> {
            received_when_asked = r.log.last.content_bytes;
            if (when_asked) when_asked();
            co_await answered.wait_or_cancelled();
            question_ended = true;
            co_return answer;
        };
    }
    ~thinking() override { w.settle(); }
    void start(document_source source, receive_options options = {})
    {
        w.send(s, std::move(source), "p");
        w.receive(r, "p", std::move(options));
        ASSERT_TRUE(w.run_until([&] { return r.log.saw("asked_about_document"); }));
    }
    void say(bool yes)
    {
        answer = yes;
        answered.signal();
    }
    document_source folder()
    {
        from.write("photos/one", "1");
        from.write("photos/more/two", "22");
        return *document_source::open(from / "photos");
    }
    // What is at the destination, without the staging folder.
    std::set<std::string> placed()
    {
        auto names = r.destination.names();
        std::erase_if(names, [](const std::string& name) { return name.starts_with(".parley-"); });
        return names;
    }

    // The relay's time passes when a test says so.
    static relay_server_options in_virtual_time()
    {
        relay_server_options options = announcing_at_once();
        options.time = nullptr;
        return options;
    }

    temporary_folder from;
    world w{over::memory, in_virtual_time()};
    send_operation s;
    receive_operation r;
    event answered{w.context.get_executor()};
    bool answer = false, question_ended = false;
    std::uint64_t received_when_asked = 0;
    std::function<void()> when_asked;
};

TEST_F(thinking, a_file_is_named_as_it_begins_and_received_meanwhile)
{
    ASSERT_NO_FATAL_FAILURE(start(bytes_source("film", random_bytes(3'000'000))));
    ASSERT_EQ(r.log.documents.size(), 1u);
    EXPECT_EQ(r.log.documents[0].name, "film");
    EXPECT_FALSE(r.log.documents[0].is_directory);
    EXPECT_EQ(r.log.documents[0].files, 1u);
    EXPECT_EQ(r.log.documents[0].content_bytes, 3'000'000u);
    EXPECT_LT(received_when_asked, 3'000'000u) << "asked early";
    ASSERT_TRUE(w.run_until([&] { return s.log.saw("finishing"); }));
    w.settle();
    EXPECT_EQ(r.log.last.content_bytes, 3'000'000u) << "the bytes did not wait for the answer";
    EXPECT_FALSE(r.done() || s.done());
    EXPECT_TRUE(placed().empty());
    say(true);
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_TRUE(r.succeeded()) << r.message();
    EXPECT_TRUE(s.succeeded()) << s.message();
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"film"}));
    EXPECT_EQ(r.log.documents.size(), 1u) << "asked once";
}

TEST_F(thinking, an_early_yes_places_the_file_as_soon_as_it_is_here)
{
    answered.signal();
    answer = true;
    ASSERT_NO_FATAL_FAILURE(start(bytes_source("film", random_bytes(3'000'000))));
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_TRUE(r.succeeded() && s.succeeded());
}

TEST_F(thinking, a_folder_is_named_when_its_size_is_known)
{
    ASSERT_NO_FATAL_FAILURE(start(folder()));
    w.settle();
    EXPECT_TRUE(s.log.saw("finishing"));
    EXPECT_EQ(r.log.documents[0].name, "photos");
    EXPECT_TRUE(r.log.documents[0].is_directory);
    EXPECT_EQ(r.log.documents[0].files, 2u);
    EXPECT_EQ(r.log.documents[0].directories, 2u);
    EXPECT_EQ(r.log.documents[0].content_bytes, 3u);
    EXPECT_TRUE(placed().empty());
    say(true);
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_TRUE(r.succeeded() && s.succeeded()) << r.message() << s.message();
    EXPECT_TRUE(fs::exists(r.destination / "photos/more/two"));
}

TEST_F(thinking, a_no_leaves_nothing_and_is_no_success_for_the_sender)
{
    for (const bool directory : {false, true}) {
        send_operation other;
        receive_operation no;
        no.log.on_document = [](offered_document) -> awaitable<bool> { co_return false; };
        w.send(other, directory ? folder() : bytes_source("film", random_bytes(3'000'000)), "p");
        w.receive(no, "p");
        ASSERT_TRUE(w.run_until([&] { return no.done() && other.done(); }));
        EXPECT_EQ(no.error(), errc::refused_by_user) << no.message();
        EXPECT_EQ(other.error(), errc::peer_disconnected) << other.message();
        EXPECT_TRUE(no.destination.names().empty());
    }
    answered.signal();
}

TEST_F(thinking, a_late_no_is_a_no)
{
    ASSERT_NO_FATAL_FAILURE(start(folder()));
    w.settle();
    say(false);
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_EQ(r.error(), errc::refused_by_user) << r.message();
    EXPECT_EQ(s.error(), errc::peer_disconnected) << s.message();
    EXPECT_TRUE(r.destination.names().empty());
}

TEST_F(thinking, takes_longer_than_the_silence_that_is_allowed)
{
    const std::chrono::seconds allowed{1}; // of real time, and enough for a slow machine to get so far
    ASSERT_NO_FATAL_FAILURE(start(folder(), receive_options{}.idle_timeout(allowed)));
    w.context.restart();
    w.context.run_for(allowed * 3 / 2);
    w.pass(std::chrono::seconds{290}); // of the relay's time
    EXPECT_FALSE(r.done() || s.done()) << r.message() << s.message();
    say(true);
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_TRUE(r.succeeded() && s.succeeded()) << r.message() << s.message();
    EXPECT_FALSE(r.result->value().sender_lost);
}

// The relay has closed the idle room. The user gets the document all the same, and is told.
TEST_F(thinking, takes_longer_than_the_relay_waits)
{
    ASSERT_NO_FATAL_FAILURE(start(folder()));
    w.pass(std::chrono::seconds{400});
    EXPECT_EQ(s.error(), errc::peer_disconnected) << s.message();
    EXPECT_FALSE(r.done());
    EXPECT_FALSE(question_ended);
    say(true);
    ASSERT_TRUE(w.run_until([&] { return r.done(); }));
    ASSERT_TRUE(r.succeeded()) << r.message();
    EXPECT_TRUE(r.result->value().sender_lost);
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"photos"}));
}

TEST_F(thinking, the_question_ends_with_a_sender_that_leaves_too_early)
{
    when_asked = [this] {
        asio::post(w.context, [this] { s.cancel.emit(asio::cancellation_type::terminal); });
    };
    answer = true; // too late to count
    ASSERT_NO_FATAL_FAILURE(start(bytes_source("film", random_bytes(30'000'000))));
    ASSERT_TRUE(w.run_until([&] { return r.done(); }));
    EXPECT_EQ(r.error(), errc::peer_disconnected) << r.message();
    EXPECT_TRUE(question_ended);
    EXPECT_TRUE(r.destination.names().empty());
}

TEST_F(thinking, is_cancelled)
{
    for (const bool complete : {false, true}) {
        send_operation other;
        receive_operation mine;
        bool ended = false;
        mine.log.on_document = [&](offered_document) -> awaitable<bool> {
            event never{w.context.get_executor()};
            if (!complete)
                asio::post(w.context, [&] { mine.cancel.emit(asio::cancellation_type::terminal); });
            co_await never.wait_or_cancelled();
            ended = true;
            co_return true;
        };
        w.send(other, bytes_source("film", random_bytes(complete ? 10 : 30'000'000)), "p");
        w.receive(mine, "p");
        ASSERT_TRUE(w.run_until([&] { return mine.log.saw("asked_about_document"); }));
        if (complete) {
            EXPECT_FALSE(mine.done());
            mine.cancel.emit(asio::cancellation_type::terminal);
        }
        ASSERT_TRUE(w.run_until([&] { return mine.done() && other.done(); }));
        EXPECT_EQ(mine.error(), errc::cancelled) << mine.message();
        EXPECT_EQ(other.error(), errc::peer_disconnected) << other.message();
        EXPECT_TRUE(ended);
        EXPECT_TRUE(mine.destination.names().empty());
    }
    answered.signal();
}

TEST_F(thinking, an_exception_means_no)
{
    std::vector<std::string> reports;
    set_exception_reporter([&](std::string_view name, std::string_view) { reports.emplace_back(name); });
    r.log.on_document = [](offered_document) -> awaitable<bool> {
        throw std::runtime_error{"no terminal"};
        co_return true;
    };
    w.send(s, folder(), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    set_exception_reporter({});
    EXPECT_EQ(reports, (std::vector<std::string>{"peer_observer::decide_document"}));
    EXPECT_EQ(r.error(), errc::refused_by_user);
    answered.signal();
}

// Nobody is asked, and nobody has named the document.
TEST(receive_document, a_name_that_begins_with_a_dot_needs_a_word)
{
    for (const bool allowed : {false, true}) {
        world w;
        send_operation s;
        receive_operation r;
        w.configure_receiver = [&](receiver_options& options) { options.allow_dot_name = allowed; };
        w.send(s, bytes_source(".bashrc", random_bytes(10)), "p");
        w.receive(r, "p");
        ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
        EXPECT_EQ(r.error(), allowed ? error_code{} : make_error_code(errc::refused_by_user)) << r.message();
        EXPECT_EQ(s.succeeded(), allowed);
        EXPECT_EQ(r.log.documents.size(), allowed ? 1u : 0u);
        EXPECT_EQ(r.destination.names().size(), allowed ? 1u : 0u);
    }
}

// The sender hears of a success when the output has taken the last byte, and not before.
TEST(receive_document, a_success_is_one_of_the_output)
{
    for (const bool fails : {false, true}) {
        world w;
        send_operation s;
        receive_operation r;
        std::size_t taken = 0;
        bool told_before = false;
        w.configure_receiver = [&](receiver_options& options) {
            options.output = [&](bytes_view bytes) {
                told_before = told_before || s.done();
                taken += bytes.size();
                return fails && bytes.empty() ? make_error_code(boost::system::errc::no_space_on_device)
                                              : error_code{};
            };
        };
        w.send(s, bytes_source("document", random_bytes(1'000'000)), "p");
        w.receive(r, "p");
        ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
        EXPECT_EQ(taken, 1'000'000u);
        EXPECT_FALSE(told_before);
        EXPECT_EQ(s.error(), fails ? make_error_code(errc::peer_disconnected) : error_code{}) << s.message();
        EXPECT_EQ(r.error() == condition::local_fault, fails) << r.message();
        EXPECT_TRUE(r.destination.names().empty());
    }
}

TEST(receive_document, a_folder_whose_name_is_taken_is_kept)
{
    world w;
    send_operation s;
    receive_operation r;
    temporary_folder outgoing;
    outgoing.write("photos/one", "1");
    r.destination.make_directory("photos");
    w.send(s, *document_source::open(outgoing / "photos"), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_EQ(r.error(), errc::destination_exists);
    EXPECT_NE(r.message().find("photos (1)"), std::string::npos) << r.message();
    EXPECT_EQ(s.error(), errc::peer_disconnected);
    EXPECT_EQ(r.destination.names(), (std::set<std::string>{"photos", "photos (1)"}));
}

TEST(receive_document, another_name_is_part_of_the_question)
{
    world w;
    send_operation s;
    receive_operation r;
    w.configure_receiver = [](receiver_options& options) { options.allow_other_name = true; };
    r.destination.write("document", "mine");
    w.send(s, bytes_source("document", random_bytes(10)), "p");
    w.receive(r, "p");
    ASSERT_TRUE(w.run_until([&] { return r.done() && s.done(); }));
    EXPECT_TRUE(r.succeeded() && s.succeeded()) << r.message() << s.message();
    ASSERT_EQ(r.log.documents.size(), 1u);
    EXPECT_EQ(r.log.documents[0].name, "document");
    EXPECT_EQ(r.log.documents[0].other_name, "document (1)");
}

TEST(receive_document, a_key_derivation_above_the_bound_is_refused)
{
    world w;
    send_operation s;
    receive_operation r;
    const auto careful = receive_options{}.max_iterations(999);
    w.send(s, bytes_source("document", random_bytes(10)), "p", send_options{}.iterations(1000));
    w.receive(r, "p", careful);
    w.settle();
    ASSERT_EQ(r.log.rejections.size(), 1u);
    EXPECT_EQ(r.log.rejections[0], condition::authentication);
    s.cancel.emit(asio::cancellation_type::terminal);
    r.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
}

} // namespace
} // namespace parley::test
