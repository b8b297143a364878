#include "peer/reporter.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace parley::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr time_point start{};
constexpr std::string_view hostile = "\x1b]0;owned\x07\r\n\xe2\x80\xae\xff";

// A reporter in words, and what it has written.
struct text_session {
    explicit text_session(text_style style = {})
        : out(make_text_reporter([this](std::string_view text) { messages += text; },
                                 [this](std::string_view text) { output += text; }, std::move(style)))
    {
    }
    std::string messages, output;
    std::unique_ptr<reporter> out;
};

struct json_session {
    json_session()
        : out(make_json_reporter([this](std::string_view text) { messages += text; },
                                 [this](std::string_view text) { output += text; }))
    {
    }
    // The objects that were written, and a failure for each line that is none.
    std::vector<json> events() const
    {
        std::vector<json> all;
        std::istringstream lines{output};
        for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line));
        return all;
    }
    std::string messages, output;
    std::unique_ptr<reporter> out;
};

text_style on_terminal()
{
    text_style style;
    style.columns = [] { return std::size_t{80}; };
    return style;
}

text_style quiet()
{
    text_style style;
    style.quiet = true;
    return style;
}

forward_counts counts(std::uint64_t sent, std::uint64_t received)
{
    forward_counts out;
    out.sent = sent;
    out.received = received;
    return out;
}

// A session of forwarded ports.
void tell_of_forwarding(reporter& out, std::string_view text)
{
    out.exposed(text);
    out.listening("127.0.0.1:8080", text);
    out.opened(1, text, text);
    out.not_opened(2, text, text);
    out.not_opened(0, text, text);
    out.closed(1, text, counts(1000, 2), {});
    out.closed(3, text, counts(0, 0), errc::peer_disconnected);
    forward_summary summary;
    summary.peer = text;
    summary.connections = 2;
    summary.bytes = counts(1000, 2);
    summary.time = 1500ms;
    out.ended(summary);
}

// Everything that a reporter can be told, with `text` wherever the other side or a file has a say.
void tell_all(reporter& out, std::string_view text)
{
    out.code("lusab-babad-gutih", "parley recv", "the receiver");
    out.skipped({std::string{text}, "symbolic link"});
    out.document(text, false, 1, 10);
    out.connecting(text, text);
    out.connected(text);
    out.identified(text);
    out.waiting();
    out.reconnecting("the connection ended", 2s);
    out.connecting(text, text);
    out.waiting();
    out.rejected(text, errc::invalid_client_validator);
    out.guesses({57, 3});
    out.trying_again();
    out.refused(text);
    out.offered(text);
    out.withdrawn(text);
    out.agreed(text, text);
    for (int second = 0; second <= 10; ++second)
        out.progress(start + second * 1s, static_cast<std::uint64_t>(second), 10);
    out.finishing();
    transfer_summary summary;
    summary.name = text;
    summary.path = text;
    summary.peer = text;
    out.done(summary);
    tell_of_forwarding(out, text);
    out.failed(exit_code::wrong_data, 6, "it went wrong");
}

bool only_printable(std::string_view text, std::string_view also)
{
    for (const char c : text) {
        const auto value = static_cast<unsigned char>(c);
        if ((value < 0x20 || value >= 0x7f) && also.find(c) == std::string_view::npos) return false;
    }
    return true;
}

TEST(text_reporter, shows_the_code_on_standard_output_with_the_command)
{
    text_session session;
    session.out->code("lusab-babad-gutih", "parley recv --relay h", "the receiver");
    EXPECT_EQ(session.output, "Code: lusab-babad-gutih\n");
    EXPECT_NE(session.messages.find("parley recv --relay h\n"), std::string::npos);
    EXPECT_EQ(session.messages.find("lusab"), std::string::npos);
}

TEST(text_reporter, says_who_is_told_the_code)
{
    text_session session;
    session.out->code("c", "parley forward -L 1:a:1", "the other side");
    EXPECT_EQ(session.messages,
              "Tell the other side the code. The other side runs:  parley forward -L 1:a:1\n");
}

TEST(text_reporter, tells_of_forwarded_ports)
{
    text_session session, silent{quiet()};
    tell_of_forwarding(*session.out, "db:5432");
    tell_of_forwarding(*silent.out, "db:5432");
    EXPECT_EQ(session.messages, "Exposing db:5432\n"
                                "Listening on 127.0.0.1:8080, forwarding to db:5432\n"
                                "Connection 1 to db:5432 opened (db:5432)\n"
                                "Connection 2 to db:5432 refused: db:5432\n"
                                "A connection to db:5432 refused: db:5432\n"
                                "Connection 1 to db:5432 closed: 1000 B sent, 2 B received\n"
                                "Connection 3 to db:5432 closed: 0 B sent, 0 B received; " +
                                    make_error_code(errc::peer_disconnected).message() +
                                    "\n"
                                    "The other side has ended the session: 2 connections, 1000 B sent, 2 B "
                                    "received in 1.5 s\n");
    EXPECT_EQ(silent.messages + silent.output + session.output, "");
}

TEST(json_reporter, tells_of_forwarded_ports)
{
    json_session session;
    tell_of_forwarding(*session.out, "db:5432");
    const json target = "db:5432";
    const std::vector<json> expected{
        {{"event", "exposed"}, {"target", target}},
        {{"event", "listening"}, {"address", "127.0.0.1:8080"}, {"target", target}},
        {{"event", "opened"}, {"connection", 1}, {"target", target}, {"address", target}},
        {{"event", "not_opened"}, {"connection", 2}, {"target", target}, {"reason", target}},
        {{"event", "not_opened"}, {"connection", nullptr}, {"target", target}, {"reason", target}},
        {{"event", "closed"},
         {"connection", 1},
         {"target", target},
         {"sent", 1000},
         {"received", 2},
         {"reason", nullptr}},
        {{"event", "closed"},
         {"connection", 3},
         {"target", target},
         {"sent", 0},
         {"received", 0},
         {"reason", make_error_code(errc::peer_disconnected).message()}},
        {{"event", "ended"},
         {"peer", target},
         {"connections", 2},
         {"sent", 1000},
         {"received", 2},
         {"seconds", 1.5}}};
    EXPECT_EQ(session.events(), expected);
}

// A second transfer has its own rate and progress.
TEST(reporter, of_a_sender_begins_again_after_a_receiver_that_left)
{
    text_session words;
    json_session objects;
    for (reporter* out : {words.out.get(), objects.out.get()}) {
        out->progress(start, 900, 1000);
        out->progress(start + 10s, 1000, 1000);
        out->receiver_left("sending to 192.0.2.1:1: the other side left before the end");
        out->progress(start + 20s, 1, 1000);
    }
    const std::string said =
        "parley: sending to 192.0.2.1:1: the other side left before the end; waiting on with the same code\n";
    EXPECT_NE(words.messages.find(said), std::string::npos) << words.messages;
    EXPECT_EQ(objects.messages, said);
    const auto events = objects.events();
    EXPECT_EQ(events.at(events.size() - 2).at("event"), "receiver_left");
    EXPECT_EQ(events.back().at("bytes"), 1);
    EXPECT_TRUE(events.back().at("rate").is_null()) << events.back();
}

TEST(text_reporter, says_once_that_the_relay_is_lost_and_once_that_it_is_back)
{
    text_session session;
    reporter& out = *session.out;
    out.connecting("the relay", "");
    out.waiting();
    for (int i = 0; i < 3; ++i) {
        out.reconnecting("the connection ended", 2s);
        out.connecting("the relay", "");
    }
    out.waiting();
    EXPECT_EQ(session.messages,
              "Connecting to the relay at the relay\n"
              "Waiting for the other side (Ctrl-C to give up)\n"
              "Lost the relay: the connection ended; connecting again\n"
              "Connected to the relay again; waiting for the other side (Ctrl-C to give up)\n");
    session.messages.clear();
    out.reconnecting("the connection ended", 2s);
    EXPECT_EQ(session.messages, "Lost the relay: the connection ended; connecting again\n");
}

TEST(text_reporter, lets_nothing_hostile_through)
{
    text_session session;
    tell_all(*session.out, hostile);
    EXPECT_TRUE(only_printable(session.messages + session.output, "\n")) << session.messages;
    text_session terminal{on_terminal()};
    tell_all(*terminal.out, hostile);
    EXPECT_EQ(terminal.messages.find("\x1b]"), std::string::npos);
    EXPECT_TRUE(only_printable(terminal.messages, "\n\r\x1b"));
}

TEST(text_reporter, is_silent_when_it_is_to_be_quiet)
{
    text_session session{quiet()};
    session.out->code("lusab-babad-gutih", "parley recv", "the receiver");
    session.out->document("name", false, 1, 10);
    session.out->connecting("relay", "");
    session.out->waiting();
    session.out->agreed("a", "b");
    for (int second = 0; second <= 10; ++second) session.out->progress(start + second * 1s, 1, 10);
    session.out->finishing();
    session.out->done({});
    EXPECT_EQ(session.messages, "");
    EXPECT_EQ(session.output, "lusab-babad-gutih\n");
    session.out->failed(exit_code::timed_out, 4, "nobody came");
    EXPECT_EQ(session.messages, "parley: nobody came\n");
}

TEST(text_reporter, says_that_somebody_may_be_guessing)
{
    text_session session;
    session.out->guesses({57, 1});
    EXPECT_EQ(
        session.messages,
        "57 peers with another code came in the last minute, from 1 address; somebody may be guessing\n");
}

TEST(text_reporter, draws_a_bar_at_most_ten_times_a_second)
{
    text_session session{on_terminal()};
    for (int ms = 0; ms <= 1000; ++ms)
        session.out->progress(start + ms * 1ms, static_cast<std::uint64_t>(ms), 1000);
    EXPECT_LE(std::count(session.messages.begin(), session.messages.end(), '\r'), 11);
    EXPECT_GE(std::count(session.messages.begin(), session.messages.end(), '\r'), 9);
    EXPECT_EQ(session.messages.find('\n'), std::string::npos);
    session.out->done({});
    EXPECT_NE(session.messages.find("\nSent "), std::string::npos) << "the bar keeps its line";
}

TEST(text_reporter, ends_the_bar_where_the_transfer_ended)
{
    text_session session{on_terminal()};
    session.out->progress(start, 1, 1000);
    session.out->progress(start + 1ms, 1000, 1000);
    EXPECT_EQ(session.messages.find("100 %"), std::string::npos);
    session.out->finishing();
    EXPECT_NE(session.messages.find("100 %"), std::string::npos);
}

TEST(text_reporter, writes_plain_lines_where_there_is_no_terminal)
{
    text_session session;
    for (int second = 0; second <= 40; ++second)
        session.out->progress(start + second * 1s, static_cast<std::uint64_t>(second), 40);
    EXPECT_EQ(std::count(session.messages.begin(), session.messages.end(), '\n'), 10);
    EXPECT_EQ(session.messages.find('\r'), std::string::npos);
    EXPECT_EQ(session.messages.find('\x1b'), std::string::npos);
    EXPECT_NE(session.messages.find("50 %"), std::string::npos);
}

TEST(text_reporter, a_question_stands_until_it_is_answered)
{
    text_session session{on_terminal()};
    session.out->progress(start, 1, 1000);
    session.messages.clear();
    session.out->question("Well? ");
    EXPECT_EQ(session.messages, "\nWell? ") << "below the bar";
    session.out->progress(start + 1s, 2, 1000);
    EXPECT_EQ(session.messages, "\nWell? ");
    session.out->question_ended(true);
    session.out->progress(start + 2s, 3, 1000);
    EXPECT_TRUE(session.messages.starts_with("\nWell? \r")) << "the user's newline came between";
    session.messages.clear();
    session.out->question("Well? ");
    session.out->question_ended(false);
    session.out->failed(exit_code::connection_lost, 7, "gone");
    EXPECT_EQ(session.messages, "\nWell? \nparley: gone\n");
    text_session silent{quiet()};
    silent.out->question("Well? ");
    EXPECT_EQ(silent.messages, "Well? ") << "a question is no news";
}

TEST(text_reporter, shows_a_stall_on_the_bar)
{
    text_session session{on_terminal()};
    session.out->tick(start);
    EXPECT_EQ(session.messages, "") << "nothing has begun";
    for (unsigned second = 0; second <= 5; ++second)
        session.out->progress(start + second * 1s, 1000u * second, 10'000);
    for (int second = 6; second <= 12; ++second) session.out->tick(start + second * 1s);
    EXPECT_NE(session.messages.find("stalled for 0:07"), std::string::npos) << session.messages;
    session.out->finishing();
    session.messages.clear();
    session.out->tick(start + 60s);
    EXPECT_EQ(session.messages, "");
}

TEST(json_reporter, tells_of_a_stall)
{
    json_session session;
    session.out->progress(start, 10, 100);
    session.out->tick(start + 1s);
    session.out->tick(start + 6s);
    const std::vector<json> events = session.events();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_FALSE(events[1].contains("stalled"));
    EXPECT_EQ(events[2].at("stalled"), 6.0);
    EXPECT_EQ(events[2].at("bytes"), 10);
}

TEST(text_reporter, tells_what_arrived)
{
    text_session session;
    transfer_summary file;
    file.path = "here/file";
    file.content_bytes = 2048;
    file.time = 2s;
    session.out->done(file);
    EXPECT_EQ(session.messages, "Received here/file: 2.0 KiB in 2.0 s, 1.0 KiB/s\n");
    session.messages.clear();
    transfer_summary tree;
    tree.name = "tree";
    tree.is_directory = true;
    tree.files = 1;
    tree.directories = 2;
    tree.skipped = 1;
    session.out->done(tree);
    EXPECT_EQ(session.messages, "Sent tree: 1 file in 2 directories, 0 B in 0.0 s; 1 path skipped\n");
}

TEST(json_reporter, writes_one_object_a_line)
{
    json_session session;
    tell_all(*session.out, "name");
    std::vector<std::string> names;
    for (const json& event : session.events()) {
        const std::string name = event.at("event");
        if (names.empty() || names.back() != name) names.push_back(name);
    }
    EXPECT_EQ(names,
              (std::vector<std::string>{"code",       "skipped",   "document",     "connecting", "connected",
                                        "identified", "waiting",   "reconnecting", "connecting", "waiting",
                                        "rejected",   "guesses",   "trying_again", "refused",    "offered",
                                        "withdrawn",  "agreed",    "progress",     "finishing",  "done",
                                        "exposed",    "listening", "opened",       "not_opened", "closed",
                                        "ended",      "error"}));
}

TEST(json_reporter, holds_what_its_readers_need)
{
    json_session session;
    tell_all(*session.out, "name");
    const std::vector<json> events = session.events();
    EXPECT_EQ(events.front(),
              (json{{"event", "code"}, {"code", "lusab-babad-gutih"}, {"command", "parley recv"}}));
    EXPECT_EQ(events.back(), (json{{"event", "error"}, {"exit", 6}, {"message", "it went wrong"}}));
    EXPECT_EQ(session.messages, "parley: it went wrong\n");
    for (const json& event : events)
        if (event["event"] == "guesses")
            EXPECT_EQ(event, (json{{"event", "guesses"}, {"count", 57}, {"addresses", 3}}));
        else if (event["event"] == "progress") {
            EXPECT_TRUE(event["bytes"].is_number());
            EXPECT_EQ(event["total"], 10);
            EXPECT_TRUE(event.contains("rate") && event.contains("left"));
        }
}

TEST(json_reporter, lets_nothing_hostile_through)
{
    json_session session;
    tell_all(*session.out, hostile);
    EXPECT_TRUE(only_printable(session.output, "\n"));
    const std::vector<json> events = session.events();
    const auto connecting = std::find_if(events.begin(), events.end(),
                                         [](const json& event) { return event["event"] == "connecting"; });
    ASSERT_NE(connecting, events.end());
    EXPECT_EQ(connecting->at("proxy"), connecting->at("relay"));
    EXPECT_EQ(connecting->at("relay"), "\x1b]0;owned\x07\r\n\xe2\x80\xae\xef\xbf\xbd");
}

TEST(json_reporter, asks_people_and_not_programs)
{
    json_session session;
    session.out->question("Well? ");
    session.out->question_ended(false);
    EXPECT_EQ(session.messages, "Well? \n");
    EXPECT_EQ(session.output, "");
}

TEST(json_reporter, says_null_for_what_is_not_known)
{
    json_session session;
    session.out->progress(start, 5, std::nullopt);
    EXPECT_EQ(
        session.events().front(),
        (json{
            {"event", "progress"}, {"bytes", 5}, {"total", nullptr}, {"rate", nullptr}, {"left", nullptr}}));
}

} // namespace
} // namespace parley::cli
