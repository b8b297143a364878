#include "bench/report.hpp"
#include "bench/svg_plot.hpp"
#include "bench/tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

measurement sample(const char* subject, double value, better direction = better::more)
{
    return {"room", subject, {{"rooms", 8.0}}, "throughput", "MB/s", direction, {value, value * 2, value / 2},
            {}};
}

TEST(Ratios, BetterIsAboveOneWhicheverWay)
{
    EXPECT_EQ(advantage(sample("parley", 300), sample("b", 200)), 1.5);
    EXPECT_EQ(advantage(sample("parley", 200, better::less), sample("b", 300, better::less)), 1.5);
    EXPECT_EQ(advantage(sample("parley", 0), sample("b", 300)), 0);
    measurement other = sample("haproxy", 100);
    other.with["rooms"] = 1.0;
    const std::vector<measurement> all{sample("parley-relay", 300), sample("haproxy", 100),
                                       sample("socat", 600), other};
    const std::vector<ratio> ratios = ratios_of(all);
    ASSERT_EQ(ratios.size(), 2u);
    EXPECT_EQ(ratios[0].times_better, 3);
    EXPECT_EQ(ratios[1].times_better, 0.5);
    EXPECT_THAT(ratio_table(ratios, "median", "beside it"), HasSubstr("haproxy"));
}

TEST(Ratios, OfTwoRuns)
{
    run_document older, newer;
    older.measurements = {sample("parley", 100), sample("gone", 1)};
    newer.measurements = {sample("parley", 150), sample("added", 1)};
    const std::vector<ratio> ratios = ratios_between(older, newer);
    ASSERT_EQ(ratios.size(), 1u);
    EXPECT_EQ(ratios[0].times_better, 1.5);
}

TEST(Plot, RoundNumbers)
{
    for (const auto& [value, expected] : std::vector<std::pair<double, double>>{
             {0, 1}, {-3, 1}, {1, 1}, {1.01, 2}, {2.1, 5}, {5.5, 10}, {870, 1000}, {0.03, 0.05}})
        EXPECT_DOUBLE_EQ(round_up(value), expected) << value;
    EXPECT_EQ(short_number(1234567), "1.23M");
    EXPECT_EQ(short_number(19000), "19k");
    EXPECT_EQ(short_number(0.5), "0.5");
}

// Whoever wrote a file may have put markup into a name.
TEST(Report, OneSelfContainedPageThatShowsTextAsText)
{
    named_run run{"run.json", {}};
    run.document.machine = {{"cpu", "<script>alert(1)</script>"}};
    run.document.measurements = {sample("parley-relay", 300), sample("a<b>&\"c\"", 100)};
    for (const double waiting : {10.0, 1000.0})
        run.document.measurements.push_back({"forward",
                                             "parley-relay",
                                             {{"waiting", waiting}, {"transport", "tcp"}},
                                             "CPU time a packet",
                                             "us",
                                             better::less,
                                             {1.5},
                                             {}});
    const std::string page = report_page({run});
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page, HasSubstr("a&lt;b&gt;&amp;&quot;c&quot;"));
    EXPECT_THAT(page, HasSubstr("throughput [MB/s], more is better"));
    EXPECT_THAT(page, HasSubstr("CPU time a packet [us], less is better"));
    EXPECT_THAT(page, HasSubstr("waiting peers (logarithmic)"));
    EXPECT_THAT(page, HasSubstr("<polyline"));
    EXPECT_THAT(page, HasSubstr("3.00"));
    for (const char* outside : {"http:", "https:", "src=", "@import", "url("})
        EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST(Report, NothingAtAll)
{
    EXPECT_THAT(report_page({{"empty", {}}}), HasSubstr("Nothing in this run"));
    EXPECT_THAT(bar_plot({}, "x", "y"), HasSubstr("<svg"));
    EXPECT_THAT(curve_plot({}, "x", "y"), HasSubstr("<svg"));
}

} // namespace
} // namespace parley::bench
