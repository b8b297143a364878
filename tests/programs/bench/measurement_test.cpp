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

TEST(Measurement, ARunAsJson)
{
    run_document document = sample();
    document.criteria = {{"claimed", "ratio", 0.7, true, 0.5}, {"open", "B", 100, false, std::nullopt}};
    const std::string text = to_json(document);
    EXPECT_TRUE(text.ends_with("}\n"));
    const nlohmann::json json = nlohmann::json::parse(text);
    EXPECT_EQ(json["schema"], "parley-bench/2");
    EXPECT_EQ(json["machine"]["cores"], 2);
    EXPECT_EQ(json["settings"]["runs"], 3);
    EXPECT_EQ(
        json["criteria"][0],
        nlohmann::json::parse(
            R"({"criterion": "claimed", "unit": "ratio", "measured": 0.5, "target": 0.7, "at_most": true})"));
    EXPECT_TRUE(json["criteria"][1]["measured"].is_null());
    const nlohmann::json one = json["measurements"][0];
    EXPECT_EQ(one["system"], "haproxy");
    EXPECT_EQ(one["parameters"], nlohmann::json::parse(R"({"rooms": 8, "sender": "tcp"})"));
    EXPECT_EQ(one["better"], "more");
    EXPECT_EQ(one["values"], nlohmann::json::parse("[3, 1.5, 2]"));
    EXPECT_EQ(one["min"], 1.5);
    EXPECT_EQ(one["median"], 2);
    EXPECT_EQ(one["max"], 3);
    EXPECT_EQ(one["cpu_seconds"]["relay"].size(), 3u);
    EXPECT_THROW(save_run("/nonexistent/run.json", document), failure);
}

TEST(Measurement, RunsOfOneThingAreCollected)
{
    results collected;
    measurement about{"room", "a", {}, "throughput", "MB/s", better::more, {}, {}};
    collected.add(about, 1);
    collected.add(about, std::numeric_limits<double>::infinity());
    about.system = "b";
    collected.add(about, 2);
    ASSERT_EQ(collected.all().size(), 2u);
    EXPECT_EQ(collected.all()[0].values, (std::vector<double>{1, 0}));
    EXPECT_TRUE(collected.all()[0].comparable(collected.all()[1]));
}

TEST(Measurement, ParametersAsText)
{
    EXPECT_EQ(text_of(parameters{{"rooms", 8.0}, {"sender", "tcp"}}), "rooms=8 sender=tcp");
    EXPECT_EQ(text_of(parameters{}), "");
}

} // namespace
} // namespace parley::bench
