#include "bench/measurement.hpp"

#include "bench/failure.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace parley::bench {
namespace {

run_document sample()
{
    run_document out;
    out.machine = {{"cpu", "two cores"}, {"cores", 2.0}};
    out.versions = {{"parley-bench", "1"}};
    out.settings = {{"runs", 3.0}};
    results collected;
    const measurement about{
        "room", "haproxy", {{"rooms", 8.0}, {"sender", "tcp"}}, "throughput", "MB/s", better::more, {}, {}};
    for (const double value : {3.0, 1.5, 2.0}) collected.add(about, value, {{"relay", value / 2}});
    out.measurements = collected.all();
    return out;
}

TEST(Measurement, WritesWhatItReads)
{
    const run_document document = sample();
    std::string why;
    const auto back = parse_run(to_json(document), why);
    ASSERT_TRUE(back) << why;
    EXPECT_EQ(*back, document);
    EXPECT_EQ(to_json(*back), to_json(document));
    const nlohmann::json json = nlohmann::json::parse(to_json(document));
    EXPECT_EQ(json["measurements"][0]["median"], 2.0);
    EXPECT_EQ(json["measurements"][0]["cpu_seconds"]["relay"].size(), 3u);
}

TEST(Measurement, RunsOfOneThingAreCollected)
{
    results collected;
    measurement about{"room", "a", {}, "throughput", "MB/s", better::more, {}, {}};
    collected.add(about, 1);
    collected.add(about, std::numeric_limits<double>::infinity());
    about.subject = "b";
    collected.add(about, 2);
    ASSERT_EQ(collected.all().size(), 2u);
    EXPECT_EQ(collected.all()[0].values, (std::vector<double>{1, 0}));
    EXPECT_TRUE(collected.all()[0].comparable(collected.all()[1]));
}

// Each of these is one change to a document that can be read.
TEST(Measurement, TheReaderIsStrict)
{
    const nlohmann::json good = nlohmann::json::parse(to_json(sample()));
    std::vector<std::pair<const char*, std::function<void(nlohmann::json&)>>> changes{
        {"schema", [](auto& d) { d["schema"] = "parley-bench/2"; }},
        {"schema", [](auto& d) { d.erase("schema"); }},
        {"unknown \"more\"", [](auto& d) { d["more"] = 1; }},
        {"no list", [](auto& d) { d["measurements"] = 1; }},
        {"measurement 0 is no object", [](auto& d) { d["measurements"][0] = "x"; }},
        {"unknown \"colour\"", [](auto& d) { d["measurements"][0]["colour"] = 1; }},
        {"no \"unit\"", [](auto& d) { d["measurements"][0].erase("unit"); }},
        {"no number", [](auto& d) { d["measurements"][0]["values"][1] = "fast"; }},
        {"no number", [](auto& d) { d["measurements"][0]["parameters"]["rooms"] = true; }},
        {"no values", [](auto& d) { d["measurements"][0]["values"] = nlohmann::json::array(); }},
        {"does not follow", [](auto& d) { d["measurements"][0]["median"] = 2.5; }},
        {"better", [](auto& d) { d["measurements"][0]["better"] = "higher"; }},
        {"no text", [](auto& d) { d["versions"]["parley-bench"] = 1; }},
    };
    for (const auto& [expected, change] : changes) {
        nlohmann::json document = good;
        change(document);
        std::string why;
        EXPECT_FALSE(parse_run(document.dump(), why)) << expected;
        EXPECT_NE(why.find(expected), std::string::npos) << why;
    }
    std::string why;
    for (const char* text : {"", "{", "[]", "1", "\xff"}) EXPECT_FALSE(parse_run(text, why)) << text;
    EXPECT_THROW(load_run("/nonexistent/run.json"), failure);
}

TEST(Measurement, ParametersAsText)
{
    EXPECT_EQ(text_of(parameters{{"rooms", 8.0}, {"sender", "tcp"}}), "rooms=8 sender=tcp");
    EXPECT_EQ(text_of(parameters{}), "");
}

} // namespace
} // namespace parley::bench
