#include "bench/system_under_test.hpp"

#include "bench/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace parley::bench {
namespace {

using ::testing::ElementsAre;

TEST(CommandWords, QuotesAndValues)
{
    EXPECT_THAT(command_words("a  'b c' \"d {x}\" '{x}' e{x}f ''", {{"x", "1 2"}}),
                ElementsAre("a", "b c", "d 1 2", "{x}", "e1 2f", ""));
    EXPECT_THROW(command_words("a 'b", {}), failure);
    EXPECT_THROW(command_words("a {y}", {{"x", "1"}}), failure);
    EXPECT_THROW(command_words("a {x", {{"x", "1"}}), failure);
    EXPECT_THROW(command_words("  ", {}), failure);
}

TEST(Endpoint, RelaysAsParleyNamesThem)
{
    const relay_endpoints tcp = parse_relay("127.0.0.1:5,6");
    EXPECT_EQ(tcp.handshake.text(), "tcp://127.0.0.1:5");
    EXPECT_EQ(tcp.room.text(), "tcp://127.0.0.1:6");
    const relay_endpoints websocket = parse_relay("ws://127.0.0.1:7/lobby");
    EXPECT_EQ(websocket.room.text(), "ws://127.0.0.1:7/lobby");
    EXPECT_EQ(parse_relay("unix:/tmp/x").room.text(), "unix:/tmp/x.room");
    EXPECT_EQ(parse_relay("wss://127.0.0.1:7").room.text(), "wss://127.0.0.1:7/");
    EXPECT_EQ(parse_relay("tls://127.0.0.1:7").room.text(), "tls://127.0.0.1:8");
    EXPECT_THROW(parse_relay("no address"), failure);
}

TEST(SystemsUnderTest, AbsentOnesAreSkippedByNameAndUnwantedOnesSilently)
{
    settings options;
    options.only = {"par", "hap"};
    options.parley_relay = "/nonexistent/parley-relay";
    session s{options};
    EXPECT_TRUE(available(s, {{"socat", "", {}}}).empty());
    EXPECT_EQ(available(s, {{"haproxy", "", {}}}).size(), 1u);
    EXPECT_TRUE(available(s, relay_kinds(s)).empty());
    EXPECT_EQ(s.document().settings.count("skipped parley-relay"), 1u);
    EXPECT_EQ(s.document().settings.count("skipped socat"), 0u);
}

TEST(SystemsUnderTest, TakeTurnsInAnotherOrderEachRun)
{
    const std::vector<system_kind> kinds{{"a", "", {}}, {"b", "", {}}, {"c", "", {}}};
    std::set<std::string> orders, first;
    for (int run = 0; run < 6; ++run) {
        std::string order;
        for (const system_kind& kind : in_turn(kinds, run)) order += kind.name;
        orders.insert(order);
        first.insert(order.substr(0, 1));
    }
    EXPECT_EQ(orders.size(), 6u);
    EXPECT_EQ(first.size(), 3u);
    EXPECT_TRUE(in_turn(std::vector<system_kind>{}, 1).empty());
}

TEST(SystemsUnderTest, AProgramThatEndsOrNeverListensIsAFailure)
{
    child gone{{"/bin/sh", "-c", "echo usage; echo broken >&2; exit 2"}, child_output::none};
    try {
        wait_until_listening(gone, free_port());
        ADD_FAILURE() << "it did not fail";
    } catch (const failure& why) {
        EXPECT_THAT(why.what(), ::testing::HasSubstr("ended at once with status 2: usage"));
        EXPECT_THAT(why.what(), ::testing::EndsWith("broken"));
    }
    const listening mine = listen_on_loopback();
    child asleep{{"/bin/sleep", "600"}};
    wait_until_listening(asleep, mine.port); // sees it without connecting
}

TEST(Session, AFailedPartIsCountedAndTheOthersGoOn)
{
    session s{settings{}};
    EXPECT_FALSE(s.attempt("this", [] { throw failure{"planted"}; }));
    EXPECT_TRUE(s.attempt("that", [] {}));
    EXPECT_EQ(s.failures(), 1u);
    const auto folder = s.folder();
    EXPECT_TRUE(std::filesystem::is_directory(folder));
    EXPECT_NE(s.fresh("a"), s.fresh("a"));
}

} // namespace
} // namespace parley::bench
