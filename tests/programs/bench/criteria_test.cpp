#include "bench/criteria.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace parley::bench {
namespace {

measurement of(const char* benchmark, const char* system, const char* metric, parameters with,
               std::vector<double> values, const char* unit = "us")
{
    return {benchmark, system, std::move(with), metric, unit, better::less, std::move(values), {}};
}

parameters room(const char* sender, const char* receiver, double rooms)
{
    return {{"sender", sender}, {"receiver", receiver}, {"rooms", rooms}};
}

parameters waiting(const char* transport, double number)
{
    return {{"transport", transport}, {"waiting", number}};
}

// The one criterion that starts and ends so.
criterion only(const std::vector<measurement>& all, std::string_view start, std::string_view end = {})
{
    std::vector<criterion> found;
    for (const criterion& one : criteria_of(all))
        if (one.what.starts_with(start) && one.what.ends_with(end)) found.push_back(one);
    EXPECT_EQ(found.size(), 1u) << start;
    return found.empty() ? criterion{} : found.front();
}

TEST(Criteria, WithoutMeasurementsAllAreNamedAsNotMeasured)
{
    const std::vector<criterion> all = criteria_of({});
    for (const char number : {'1', '2', '3', '4', '5', '6', '7', '8'})
        EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const criterion& one) {
            return one.what[0] == number;
        })) << number;
    for (const criterion& one : all) {
        EXPECT_FALSE(one.measured) << one.what;
        EXPECT_FALSE(one.met()) << one.what;
    }
    const std::string table = criteria_table(all);
    EXPECT_EQ(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')), all.size() + 1);
    EXPECT_NE(table.find("not measured"), std::string::npos);
    EXPECT_EQ(table.find(" yes"), std::string::npos);
}

TEST(Criteria, ARatioIsThatOfTheMedians)
{
    const char* cpu = "CPU time a GB";
    std::vector<measurement> all{of("room", "parley-relay", cpu, room("tcp", "tcp", 1), {0.9, 0.3, 0.35}),
                                 of("room", "haproxy splice", cpu, room("tcp", "tcp", 1), {0.5, 0.1, 9}),
                                 of("room", "haproxy", cpu, room("tcp", "tcp", 1), {0.01})};
    criterion one = only(all, "1 room tcp to tcp, CPU");
    ASSERT_TRUE(one.measured);
    EXPECT_DOUBLE_EQ(*one.measured, 0.7);
    EXPECT_TRUE(one.met());
    all[0].values[2] = 0.36;
    EXPECT_FALSE(only(all, "1 room tcp to tcp, CPU").met());
    // What has to be much is judged the other way.
    all = {of("room", "parley-relay", "throughput", room("tcp", "tcp", 8), {1000}),
           of("room", "direct", "throughput", room("tcp", "tcp", 8), {1500})};
    one = only(all, "1 room tcp to tcp, throughput / direct", "(8 rooms)");
    EXPECT_FALSE(one.met());
    all[0].values = {1100};
    EXPECT_TRUE(only(all, "1 room tcp to tcp, throughput / direct").met());
}

TEST(Criteria, WaitingPeersAreJudgedWhereMostOfThemWere)
{
    const char* cpu = "CPU time a packet";
    const std::vector<measurement> all{
        of("forward", "parley-relay", cpu, waiting("tcp", 10), {2}),
        of("forward", "parley-relay", cpu, waiting("tcp", 1000), {9}),
        of("forward", "parley-relay", cpu, waiting("tcp", 5000), {2.3}),
        of("forward", "parley in memory", cpu, waiting("memory", 10), {1}),
        of("forward", "parley in memory", cpu, waiting("memory", 60'000), {1.3}),
        of("forward", "parley in memory", cpu, waiting("memory", 65'533), {1}),
        of("idle", "parley-relay", "resident memory a waiting peer", waiting("tcp", 1000), {1536}, "B")};
    const criterion sockets = only(all, "4 forward", "(tcp)"), memory = only(all, "4 forward", "(memory)");
    EXPECT_NE(sockets.what.find("with 5000 waiting"), std::string::npos) << sockets.what;
    EXPECT_DOUBLE_EQ(sockets.measured.value_or(0), 1.15);
    EXPECT_NE(memory.what.find("with 60000 waiting"), std::string::npos) << memory.what;
    EXPECT_FALSE(memory.met());
    const criterion bytes = only(all, "3 idle, resident memory", "(tcp, 1000 of them)");
    EXPECT_TRUE(bytes.met());
    EXPECT_EQ(bytes.unit, "B");
}

TEST(Criteria, TransfersAreBesideOneCoresRecords)
{
    std::vector<measurement> all{
        of("transfer", "parley", "rate", {{"document", "random"}}, {600}, "MB/s"),
        of("primitives", "parley", "rate of one core", {{"step", "hash and seal"}}, {1000})};
    EXPECT_DOUBLE_EQ(only(all, "7 transfer of random bytes").measured.value_or(0), 0.6);
    all.push_back(of("primitives", "parley", "rate of one core", {{"step", "seal, hash and frame"}}, {2000}));
    const criterion framed = only(all, "7 transfer of random bytes");
    EXPECT_DOUBLE_EQ(framed.measured.value_or(0), 0.3);
    EXPECT_FALSE(framed.met());
    all.push_back(of("transfer", "magic-wormhole", "rate", {{"document", "random"}}, {0}, "MB/s"));
    EXPECT_FALSE(only(all, "7 transfer of random, rate / magic-wormhole").measured);
    all.push_back(of("transfer", "parley", "rate", {{"document", "70 small files"}}, {11}, "MB/s"));
    all.push_back(of("transfer", "magic-wormhole", "rate", {{"document", "70 small files"}}, {1}, "MB/s"));
    EXPECT_TRUE(only(all, "7 transfer of 70 small files, rate").met());
    all.push_back(of("transfer", "parley, session 1", "rate", {{"document", "random"}}, {500}, "MB/s"));
    EXPECT_DOUBLE_EQ(only(all, "7 session 2, random bytes").measured.value_or(0), 1.2);
}

TEST(Criteria, StreamsAreBesideADocumentAndABareRoomOfTheSameRelay)
{
    const parameters own{{"relay", "parley-relay"}}, other{{"relay", "other"}};
    parameters sized = own;
    sized["megabytes"] = 256.0;
    const std::vector<measurement> all{of("stream", "parley stream", "rate", sized, {400}, "MB/s"),
                                       of("stream", "parley document", "rate", sized, {500}, "MB/s"),
                                       of("stream", "parley stream", "echo of a byte", other, {900}),
                                       of("stream", "parley stream", "echo of a byte", own, {70}),
                                       of("stream", "bare room", "echo of a byte", other, {1}),
                                       of("stream", "bare room", "echo of a byte", own, {50})};
    const criterion rate = only(all, "8 stream, rate"), echo = only(all, "8 stream, echo");
    EXPECT_DOUBLE_EQ(rate.measured.value_or(0), 0.8);
    EXPECT_TRUE(rate.met());
    EXPECT_DOUBLE_EQ(echo.measured.value_or(0), 1.4);
    EXPECT_FALSE(echo.met());
}

TEST(Criteria, ARowSaysWhatWasMeasured)
{
    const std::vector<criterion> all{{"a & b", "ratio", 0.7, true, 0.712}, {"c", "B", 1536, true, 1200.0}};
    const std::string text = criteria_table(all);
    EXPECT_NE(text.find("0.71     <= 0.7   no"), std::string::npos) << text;
    EXPECT_NE(text.find("1200 B  <= 1536 B  yes"), std::string::npos) << text;
}

} // namespace
} // namespace parley::bench
