#include "relay/log.hpp"

#include "relay/log_observer.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace parley::relayd {
namespace {

using namespace std::chrono_literals;

TEST(format_event, in_words)
{
    EXPECT_EQ(format_event(log_format::text, "T", log_level::info, "agreed",
                           {{"client", "1.2.3.4:5"}, {"bytes", 7}, {"seconds", 1.5}}),
              "T info event=agreed client=1.2.3.4:5 bytes=7 seconds=1.500");
    EXPECT_EQ(format_event(log_format::text, "T", log_level::error, "e",
                           {{"a", "two words"}, {"b", ""}, {"c", "x=y"}}),
              "T error event=e a=\"two words\" b=\"\" c=\"x=y\"");
}

TEST(format_event, in_json)
{
    const std::string line =
        format_event(log_format::json, "T", log_level::warning, "dropped",
                     {{"peer", "a \"b\"\n"}, {"n", std::numeric_limits<std::int64_t>::max()}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(line), (nlohmann::json{{"time", "T"},
                                                           {"level", "warning"},
                                                           {"event", "dropped"},
                                                           {"peer", "a \"b\"\n"},
                                                           {"n", std::numeric_limits<std::int64_t>::max()}}));
}

TEST(format_event, lets_nothing_hostile_through)
{
    // What a peer says can neither end a line, nor begin another key, nor do anything to a terminal.
    const std::string hostile = "x\n2025 info event=agreed y=\x1b[31m \"\\\xe2\x80\xae\xff";
    for (const log_format format : {log_format::text, log_format::json}) {
        const std::string line = format_event(format, "T", log_level::info, "e", {{"peer", hostile}});
        for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
    }
    const std::string text = format_event(log_format::text, "T", log_level::info, "e", {{"peer", hostile}});
    const std::size_t open = text.find('"');
    EXPECT_EQ(text.find('"', open + 1), text.size() - 1) << text;
}

TEST(event_limit, passes_so_many_a_second)
{
    event_limit limit{3};
    const time_point start{100s};
    int passed = 0;
    for (int ms = 0; ms < 1000; ++ms) passed += limit.pass(start + ms * 1ms) ? 1 : 0;
    EXPECT_EQ(passed, 3);
    EXPECT_TRUE(limit.pass(start + 1s));
    EXPECT_EQ(limit.take_suppressed(), 997u);
    EXPECT_EQ(limit.take_suppressed(), 0u);
}

TEST(log_observer, limits_what_a_peer_can_cause)
{
    ::testing::internal::CaptureStderr();
    {
        event_log log{log_format::json, log_level::info};
        time_point now{100s};
        log_observer observer{log, [&] { return now; }};
        const identity peer = *identity::from_text("1.2.3.4:5");
        for (int i = 0; i < 1000; ++i) observer.dropped(peer, drop_reason::unknown_destination, 0x05);
        now += 1s;
        observer.dropped(peer, drop_reason::no_hello, 0x0a);
        observer.connected(peer, relay_channel::handshake); // below the level
    }
    std::istringstream lines{::testing::internal::GetCapturedStderr()};
    std::vector<nlohmann::json> events;
    for (std::string line; std::getline(lines, line);) events.push_back(nlohmann::json::parse(line));
    ASSERT_EQ(events.size(), 22u);
    EXPECT_EQ(events[0]["event"], "dropped");
    EXPECT_EQ(events[0]["peer"], "1.2.3.4:5");
    EXPECT_EQ(events[0]["reason"], "unknown_destination");
    EXPECT_EQ(events[0]["type"], "05");
    EXPECT_EQ(events[20]["event"], "suppressed");
    EXPECT_EQ(events[20]["events"], 980);
    EXPECT_EQ(events[21]["reason"], "no_hello");
}

TEST(log_observer, limits_agreements_and_rooms_too)
{
    ::testing::internal::CaptureStderr();
    {
        event_log log{log_format::json, log_level::info};
        time_point now{100s};
        log_observer observer{log, [&] { return now; }};
        const identity peer = *identity::from_text("1.2.3.4:5");
        for (int i = 0; i < 100; ++i) {
            observer.agreed(peer, peer);
            observer.room_opened(peer, peer);
            observer.room_closed({});
        }
        now += 1s;
        observer.agreed(peer, peer);
    }
    std::istringstream lines{::testing::internal::GetCapturedStderr()};
    std::vector<nlohmann::json> events;
    for (std::string line; std::getline(lines, line);) events.push_back(nlohmann::json::parse(line));
    ASSERT_EQ(events.size(), 22u);
    EXPECT_EQ(events[20]["event"], "suppressed");
    EXPECT_EQ(events[20]["events"], 280);
    EXPECT_EQ(events[21]["event"], "agreed");
}

TEST(log_observer, does_not_count_what_the_level_leaves_out)
{
    ::testing::internal::CaptureStderr();
    {
        event_log log{log_format::json, log_level::warning};
        log_observer observer{log, [] { return time_point{100s}; }};
        const identity peer = *identity::from_text("1.2.3.4:5");
        for (int i = 0; i < 100; ++i) observer.agreed(peer, peer);
        observer.overflow(peer, 1);
    }
    const std::string all = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(all.find("\"overflow\""), std::string::npos) << all;
    EXPECT_EQ(all.find("suppressed"), std::string::npos) << all;
}

TEST(event_log, stamps_each_line_with_the_time)
{
    ::testing::internal::CaptureStderr();
    {
        event_log log{log_format::text, log_level::debug};
        log.write(log_level::debug, "hello");
    }
    const std::string line = ::testing::internal::GetCapturedStderr();
    ASSERT_EQ(line.size(), std::string{"2025-01-01T00:00:00.000Z debug event=hello\n"}.size()) << line;
    EXPECT_EQ(line[10], 'T');
    EXPECT_EQ(line.substr(23), "Z debug event=hello\n");
}

} // namespace
} // namespace parley::relayd
