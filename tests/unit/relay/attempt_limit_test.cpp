#include "relay/limits/attempt_limit.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
const time_point start = time_point{} + 1h;

TEST(attempt_limit, gives_one_address_half_of_what_a_server_bears)
{
    attempt_limit limit{1};
    int passed = 0;
    for (int i = 0; i < 1000; ++i) passed += limit.take(60, 1, uid{7}, start) ? 1 : 0;
    EXPECT_EQ(passed, 30);
    for (std::uint64_t other = 2; other < 1000; ++other)
        passed += limit.take(60, other, uid{7}, start) ? 1 : 0;
    EXPECT_EQ(passed, 60);
    EXPECT_TRUE(limit.take(60, 1, uid{8}, start)); // another server
}

TEST(attempt_limit, fills_up_within_its_minute)
{
    attempt_limit limit{1};
    const auto hour = [&] {
        int passed = 0;
        for (int i = 0; i < 3600; ++i) passed += limit.take(60, std::nullopt, uid{7}, start + i * 1s) ? 1 : 0;
        return passed;
    }();
    EXPECT_NEAR(hour, 3600, 1);
    int guesses = 0;
    for (int i = 0; i < 36'000; ++i) guesses += limit.take(60, 3, uid{9}, start + i * 100ms) ? 1 : 0;
    EXPECT_NEAR(guesses, 30 + 30 * 60, 2);
}

TEST(attempt_limit, of_0_is_none)
{
    attempt_limit limit{1};
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.take(0, 1, uid{7}, start));
}

} // namespace
} // namespace parley::detail
