#include "relay/limits/keyed_table.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

struct user {
    int users = 0;
    bool in_use() const { return users != 0; }
};

TEST(keyed_table, forgets_idle_entries_that_were_looked_up_longest_ago)
{
    keyed_table<user> table{3, 7};
    for (const std::uint64_t key : {1u, 2u, 3u}) table.at(key);
    table.at(1);
    table.at(4);
    EXPECT_NE(table.find(1), nullptr);
    EXPECT_EQ(table.find(2), nullptr);
    EXPECT_EQ(table.size(), 3u);
}

TEST(keyed_table, keeps_all_that_are_in_use)
{
    keyed_table<user> table{2, 7};
    for (std::uint64_t key = 0; key < 1000; ++key) {
        table.at(key).users = 1;
        table.settle(key);
    }
    EXPECT_EQ(table.size(), 1000u);
    EXPECT_EQ(table.idle(), 0u);
    for (std::uint64_t key = 0; key < 1000; ++key) {
        table.find(key)->users = 0;
        table.settle(key);
        table.settle(key);
    }
    EXPECT_EQ(table.size(), 2u);
    EXPECT_NE(table.find(999), nullptr);
    table.settle(5);
}

TEST(keyed_table, is_bounded_however_many_come)
{
    keyed_table<user> table{100, 7};
    for (std::uint64_t key = 0; key < 100'000; ++key) ++table.at(key).users, --table.at(key).users;
    EXPECT_EQ(table.size(), 100u);
}

TEST(seeded_hash, differs_by_seed)
{
    EXPECT_NE(seeded_hash{1}(5), seeded_hash{2}(5));
    EXPECT_NE(seeded_hash{1}(5), seeded_hash{1}(6));
}

} // namespace
} // namespace parley::detail
