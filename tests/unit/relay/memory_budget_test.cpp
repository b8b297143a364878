#include "relay/limits/memory_budget.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace parley::detail {
namespace {

constexpr std::uint64_t kib = 1024;

struct holder {
    explicit holder(const std::shared_ptr<memory_budget>& budget) : share(budget, [this] { ++drops; }) {}
    int drops = 0;
    memory_share share;
};

TEST(memory_budget, drops_the_largest_until_the_rest_fits)
{
    const auto budget = std::make_shared<memory_budget>(10 * kib);
    holder a{budget}, b{budget}, c{budget};
    a.share.set(3 * kib);
    b.share.set(5 * kib);
    c.share.set(2 * kib);
    EXPECT_EQ(budget->used(), 10 * kib);
    c.share.add(kib);
    EXPECT_EQ(b.drops, 1);
    EXPECT_TRUE(b.share.dropped());
    EXPECT_EQ(budget->used(), 6 * kib);
    b.share.set(100 * kib); // counts no more
    EXPECT_EQ(budget->used(), 6 * kib);
    c.share.set(50 * kib);
    EXPECT_EQ(c.drops, 1) << "whoever asks may be the largest";
    EXPECT_EQ(a.drops, 0);
    EXPECT_EQ(b.drops, 1);
    EXPECT_EQ(budget->used(), 3 * kib);
}

TEST(memory_budget, gets_back_what_is_given_back)
{
    const auto budget = std::make_shared<memory_budget>(10 * kib);
    holder stays{budget};
    stays.share.set(kib);
    for (int i = 0; i < 100; ++i) {
        holder goes{budget};
        goes.share.set(9 * kib);
        goes.share.remove(kib);
        goes.share.set(9 * kib);
        EXPECT_EQ(budget->used(), 10 * kib);
    }
    EXPECT_EQ(budget->used(), kib);
    stays.share.set(0);
    EXPECT_EQ(budget->used(), 0u);
    EXPECT_FALSE(stays.share.dropped());
}

TEST(memory_budget, counts_in_steps)
{
    const auto budget = std::make_shared<memory_budget>(0);
    holder h{budget};
    h.share.set(1);
    EXPECT_EQ(budget->used(), kib);
    h.share.set(kib);
    EXPECT_EQ(budget->used(), kib);
    h.share.add(1);
    EXPECT_EQ(budget->used(), 2 * kib);
    EXPECT_EQ(h.share.bytes(), kib + 1);
}

TEST(memory_budget, of_0_drops_nobody_until_it_is_set)
{
    const auto budget = std::make_shared<memory_budget>(0);
    holder a{budget}, b{budget};
    a.share.set(1'000'000 * kib);
    b.share.set(2 * kib);
    EXPECT_EQ(a.drops, 0);
    budget->set_limit(2 * kib);
    EXPECT_EQ(a.drops, 1);
    EXPECT_EQ(b.drops, 0);
}

TEST(memory_budget, is_shared_by_threads)
{
    const auto budget = std::make_shared<memory_budget>(64 * kib);
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back([&budget, t] {
            for (std::uint64_t i = 0; i < 2000; ++i) {
                std::atomic<int> drops = 0;
                {
                    memory_share share{budget, [&] { ++drops; }};
                    share.set((i * (t + 1)) % 40 * kib);
                    share.add(kib);
                }
                EXPECT_LE(drops, 1);
            }
        });
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(budget->used(), 0u);
}

} // namespace
} // namespace parley::detail
