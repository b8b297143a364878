#include "payload/in/object_index.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace parley_test {
namespace {

using parley::object_id;
using parley::object_index;
using parley::object_state;

object_id id_of(std::uint32_t n)
{
    object_id id{};
    std::memcpy(id.data() + 16, &n, sizeof n); // the ids differ only in bytes that the table looks at last
    return id;
}

TEST(ObjectIndex, finds_by_id_and_by_offset_what_is_there)
{
    parley::testing::seeded_random random{1};
    object_index index(random);
    constexpr std::uint32_t count = 3000;
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_FALSE(index.find(id_of(i)));
        auto& record = index.add(12 + i * 10ull);
        EXPECT_EQ(record.state, object_state::unusable);
        record.id = id_of(i);
        index.settle(i);
        EXPECT_EQ(record.state, object_state::present);
    }
    EXPECT_EQ(index.size(), count);
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_EQ(index.find(id_of(i)), i);
        EXPECT_EQ(index.find_offset(12 + i * 10ull), i);
        EXPECT_FALSE(index.find_offset(13 + i * 10ull));
        EXPECT_EQ(index.holder(i), i);
    }
    EXPECT_FALSE(index.find(id_of(count)));
    EXPECT_FALSE(index.find_offset(0));
    EXPECT_FALSE(index.find_offset(UINT64_MAX));
}

TEST(ObjectIndex, an_object_that_comes_twice_is_held_once)
{
    parley::testing::seeded_random random{1};
    object_index index(random);
    for (std::uint32_t i = 0; i < 10; ++i) index.add(i).id = id_of(i % 3);
    for (std::uint32_t i = 0; i < 10; ++i) index.settle(i);
    for (std::uint32_t i = 0; i < 10; ++i) {
        EXPECT_EQ(index.at(i).state, i < 3 ? object_state::present : object_state::duplicate);
        EXPECT_EQ(index.holder(i), i % 3);
        EXPECT_EQ(index.find(id_of(i % 3)), i % 3);
    }
}

TEST(ObjectIndex, records_stay_where_they_are)
{
    parley::testing::seeded_random random{1};
    object_index index(random);
    auto* first = &index.add(1);
    for (std::uint64_t i = 2; i < 5000; ++i) index.add(i);
    EXPECT_EQ(first, &index.at(0));
    EXPECT_FALSE(index.find_offset(0));
    EXPECT_TRUE(index.find_offset(4999));
}

} // namespace
} // namespace parley_test
