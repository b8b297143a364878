#include "relay/limits/holdings.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace parley::detail {
namespace {

TEST(holdings, know_the_largest_and_its_oldest_and_newest)
{
    std::array<int, 6> things{};
    holdings<int*> held{1};
    EXPECT_EQ(held.newest_to_go(0), nullptr);
    EXPECT_EQ(held.oldest_of_largest(), nullptr);
    auto a = held.add(7, &things[0]);
    EXPECT_EQ(held.newest_to_go(0), nullptr) << "another network would have as much";
    EXPECT_EQ(held.oldest_of_largest(), &things[0]);
    auto b = held.add(7, &things[1]), c = held.add(8, &things[2]);
    EXPECT_EQ(held.newest_to_go(0), &things[1]);
    EXPECT_EQ(held.newest_to_go(1), nullptr);
    EXPECT_EQ(held.oldest_of_largest(), &things[0]);
    *b = &things[5];
    EXPECT_EQ(held.newest_to_go(0), &things[5]);
    held.remove(b);
    EXPECT_FALSE(b);
    held.remove(b);
    EXPECT_EQ(held.size(), 2u);
    EXPECT_EQ(held.oldest_of_largest(), &things[2]) << "of equals the one that has been so large for longest";
    held.remove(a);
    held.remove(c);
    EXPECT_EQ(held.networks(), 0u);
}

TEST(holdings, agree_with_a_model)
{
    struct thing {
        std::uint64_t network = 0;
        holdings<thing*>::place place;
    };
    std::mt19937 random{5};
    holdings<thing*> held{3};
    std::map<std::uint64_t, std::deque<thing*>> model;
    std::deque<thing> things(400);
    std::vector<thing*> in, out;
    for (thing& each : things) out.push_back(&each);
    for (int step = 0; step < 20'000; ++step) {
        auto& from = !out.empty() && (in.empty() || random() % 2 == 0) ? out : in;
        std::swap(from[random() % from.size()], from.back());
        thing* const each = from.back();
        from.pop_back();
        if (&from == &out) {
            each->network = random() % 4 * (random() % 10);
            each->place = held.add(each->network, each);
            model[each->network].push_back(each);
            in.push_back(each);
        } else {
            held.remove(each->place);
            std::erase(model[each->network], each);
            if (model[each->network].empty()) model.erase(each->network);
            out.push_back(each);
        }
        std::size_t most = 0;
        for (const auto& [network, has] : model) {
            most = std::max(most, has.size());
            ASSERT_EQ(held.held_by(network), has.size());
        }
        ASSERT_EQ(held.networks(), model.size());
        ASSERT_EQ(held.size(), in.size());
        if (most == 0) continue;
        const thing* const oldest = held.oldest_of_largest();
        ASSERT_EQ(model[oldest->network].size(), most);
        ASSERT_EQ(model[oldest->network].front(), oldest);
        ASSERT_EQ(held.newest_to_go(most - 1), nullptr);
        if (most < 2) continue;
        const thing* const newest = held.newest_to_go(most - 2);
        ASSERT_EQ(model[newest->network].size(), most);
        ASSERT_EQ(model[newest->network].back(), newest);
    }
}

} // namespace
} // namespace parley::detail
