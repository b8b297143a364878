#include <parley/base/slot_map.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace parley::test {
namespace {

enum class number : std::uint32_t {};
using slots = slot_map<number, std::shared_ptr<int>>;

TEST(slot_map, finds_what_was_inserted)
{
    slots all;
    EXPECT_EQ(all.find(number{0}), nullptr);
    const number a = all.insert(std::make_shared<int>(1)), b = all.insert(std::make_shared<int>(2));
    EXPECT_EQ(a, number{0});
    EXPECT_EQ(b, number{1});
    EXPECT_EQ(*all.find(a), 1);
    EXPECT_EQ(*all.find(b), 2);
    EXPECT_EQ(all.find(number{2}), nullptr);
    EXPECT_EQ(all.size(), 2u);
}

TEST(slot_map, uses_a_freed_number_again_the_last_one_first)
{
    slots all;
    for (int i = 0; i < 4; ++i) all.insert(std::make_shared<int>(i));
    all.erase(number{1});
    all.erase(number{2});
    EXPECT_EQ(all.size(), 2u);
    EXPECT_EQ(all.find(number{1}), nullptr);
    EXPECT_EQ(all.insert(std::make_shared<int>(20)), number{2});
    EXPECT_EQ(all.insert(std::make_shared<int>(10)), number{1});
    EXPECT_EQ(all.insert(std::make_shared<int>(40)), number{4});
    EXPECT_EQ(*all.find(number{2}), 20);
}

TEST(slot_map, keeps_nothing_of_what_was_erased)
{
    slots all;
    const auto value = std::make_shared<int>(1);
    all.erase(all.insert(value));
    EXPECT_EQ(value.use_count(), 1);
}

TEST(slot_map, may_change_while_it_is_walked_through)
{
    slots all;
    for (int i = 0; i < 3; ++i) all.insert(std::make_shared<int>(i));
    std::vector<int> seen;
    all.for_each([&](const std::shared_ptr<int>& value) {
        seen.push_back(*value);
        if (*value == 0) all.erase(number{1});
        if (*value < 40) all.insert(std::make_shared<int>(*value + 40));
    });
    EXPECT_EQ(seen, (std::vector{0, 40, 2, 42}));
}

} // namespace
} // namespace parley::test
