#include "relay/limits/attempt_limit.hpp"

#include <gtest/gtest.h>

#include <map>

namespace parley::detail {
namespace {

using namespace std::chrono_literals;
using verdict = attempt_limit::verdict;
const time_point start = time_point{} + 1h;

constexpr auto all_alive = [](std::uint64_t) { return true; };

// One waiting peer, and who tries it: peer n is in network n unless the test says otherwise.
struct target {
    verdict attempt(std::uint64_t from, std::uint64_t network, std::uint16_t mark = 0)
    {
        while (const auto next = limit.release(rate, now, all_alive)) ++passed[next->from];
        const verdict out = limit.take(rate, network, {from, message{uid{mark}, packet::agreement{}}}, now);
        if (out == verdict::passes) ++passed[from];
        return out;
    }
    verdict attempt(std::uint64_t from) { return attempt(from, from); }
    // Runs to `end`, as the owner's timer does.
    void run_until(time_point end)
    {
        while (limit.waiting() != 0 && limit.next(rate, now) <= end) {
            now = std::max(now, limit.next(rate, now));
            const auto next = limit.release(rate, now, all_alive);
            ASSERT_TRUE(next) << "next() is when there is one";
            ++passed[next->from];
        }
        now = end;
    }
    int sum() const
    {
        int out = 0;
        for (const auto& each : passed) out += each.second;
        return out;
    }

    attempt_limit limit{1};
    double rate = 60;
    time_point now = start;
    std::map<std::uint64_t, int> passed;
};

TEST(attempt_limit, gives_one_network_half_of_what_a_peer_bears)
{
    target t;
    for (std::uint64_t i = 0; i < 1000; ++i) t.attempt(i, 1);
    EXPECT_EQ(t.sum(), 30);
    for (std::uint64_t other = 2; other < 1000; ++other) t.attempt(1000 + other, other);
    EXPECT_EQ(t.sum(), 60);
}

TEST(attempt_limit, fills_up_within_its_minute)
{
    target t;
    for (; t.now < start + 1h; t.now += 1s)
        EXPECT_EQ(t.attempt(static_cast<std::uint64_t>((t.now - start) / 1s)), verdict::passes);
    target one;
    for (; one.now < start + 1h; one.now += 100ms) one.attempt(3);
    EXPECT_NEAR(one.sum(), 30 + 30 * 60, 2);
}

TEST(attempt_limit, of_0_is_none)
{
    target t;
    t.rate = 0;
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(t.attempt(1), verdict::passes);
}

// Whatever a network does elsewhere or in between, and whoever else comes.
TEST(attempt_limit, keeps_a_network_to_half)
{
    target t;
    std::uint64_t others = 1000;
    for (; t.now < start + 10min; t.now += 10ms) {
        t.attempt(1);
        if (others < 100'000) t.attempt(++others);
    }
    EXPECT_LE(t.passed[1], 30 + 30 * 10 + 1);
    EXPECT_LE(t.sum(), 60 + 60 * 10 + 1);
}

TEST(attempt_limit, lets_an_honest_one_through_in_its_turn)
{
    for (const unsigned attackers : {4u, 12u, 200u}) {
        target t;
        t.rate = 120;
        const auto attack = [&] {
            for (std::uint64_t i = 1; i <= attackers; ++i)
                for (std::uint64_t k = 0; k < 3; ++k) t.attempt(1000 * i + k, i);
        };
        for (int i = 0; i < 50; ++i) attack(); // all that is there is used up
        const time_point came = t.now;
        EXPECT_EQ(t.attempt(7, 777), verdict::waits);
        while (t.passed[7] == 0 && t.now < came + 1h) {
            attack();
            t.run_until(t.now + 250ms);
        }
        EXPECT_LE(t.now - came, std::chrono::seconds{attackers / 2 + 1}) << attackers;
        EXPECT_LE(t.limit.waiting(), attempt_limit::max_waiting);
    }
}

TEST(attempt_limit, lets_everybody_of_one_network_through)
{
    target t;
    t.rate = 120;
    for (std::uint64_t i = 0; i < 60 + attempt_limit::max_of_one_network; ++i) t.attempt(i, 1);
    EXPECT_EQ(t.sum(), 60);
    EXPECT_EQ(t.attempt(1000, 1), verdict::rejected);
    EXPECT_EQ(t.attempt(1001, 2), verdict::passes) << "another network is not behind them";
    t.run_until(start + std::chrono::seconds{attempt_limit::max_of_one_network} + 1s);
    EXPECT_EQ(t.passed.size(), 60 + attempt_limit::max_of_one_network + 1);
}

TEST(attempt_limit, keeps_a_peers_newest_attempt_in_the_place_of_its_oldest)
{
    target t;
    t.rate = 2;
    t.attempt(1, 1);
    t.attempt(2, 2);
    EXPECT_EQ(t.attempt(3, 3, 10), verdict::waits);
    EXPECT_EQ(t.attempt(4, 4, 20), verdict::waits);
    EXPECT_EQ(t.attempt(3, 3, 11), verdict::waits);
    EXPECT_EQ(t.limit.waiting(), 2u);
    t.now += 30s + 1ms;
    const auto next = t.limit.release(t.rate, t.now, all_alive);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->from, 3u);
    EXPECT_EQ(next->packet.peer, uid{11});
    EXPECT_FALSE(t.limit.release(t.rate, t.now, all_alive));
}

TEST(attempt_limit, forgets_those_that_have_left)
{
    target t;
    t.rate = 2;
    for (std::uint64_t i = 1; i <= 5; ++i) t.attempt(i);
    EXPECT_EQ(t.limit.waiting(), 3u);
    t.now += 30s + 1ms;
    const auto next = t.limit.release(t.rate, t.now, [](std::uint64_t who) { return who == 5; });
    ASSERT_TRUE(next);
    EXPECT_EQ(next->from, 5u);
    EXPECT_EQ(t.limit.waiting(), 0u);
    t.now += 2min;
    EXPECT_TRUE(t.limit.idle(t.now));
}

TEST(attempt_limit, is_bounded)
{
    target t;
    for (std::uint64_t network = 0; network < 2000; ++network)
        for (std::uint64_t k = 0; k < 3; ++k) t.attempt(10 * network + k, network);
    EXPECT_EQ(t.limit.waiting(), attempt_limit::max_waiting);
    EXPECT_LE(t.limit.sources(), attempt_limit::max_waiting + 120);
    EXPECT_LE(t.limit.cost(), 300'000u);
    EXPECT_EQ(t.attempt(1, 1'000'000), verdict::rejected);
    t.limit.forget_waiting();
    EXPECT_EQ(t.limit.waiting(), 0u);
    // Networks come and go for an hour: only those of the last minutes are kept.
    for (std::uint64_t network = 10'000; network < 13'600; ++network, t.now += 1s) t.attempt(network);
    EXPECT_LE(t.limit.sources(), 130u);
    t.run_until(t.now + 5s);
    EXPECT_FALSE(t.limit.idle(t.now));
    EXPECT_LE(t.limit.next(t.rate, t.now), t.now + 1min);
    EXPECT_TRUE(t.limit.idle(t.now + 1min));
}

} // namespace
} // namespace parley::detail
