#include "bench/tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::bench {
namespace {

using ::testing::HasSubstr;

measurement sample(const char* system, double value, better direction = better::more)
{
    return {"room", system, {{"rooms", 8.0}}, "throughput", "MB/s", direction, {value, value * 2, value / 2},
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
    EXPECT_THAT(ratio_table(ratios), HasSubstr("haproxy"));
}

} // namespace
} // namespace parley::bench
