#include "payload/out/sent_objects.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace parley;

TEST(SentObjects, KnowsNothingAtFirst)
{
    const sent_objects sent;
    EXPECT_EQ(sent.find(object_id{}), std::nullopt);
}

TEST(SentObjects, FindsEachOfManyAndNoOther)
{
    sent_objects sent;
    std::mt19937 random(1);
    std::vector<object_id> ids(20'000);
    for (object_id& id : ids)
        for (byte& b : id) b = static_cast<byte>(random());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(sent.find(ids[i]), std::nullopt);
        sent.add(ids[i], 12 + i);
    }
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(sent.find(ids[i]), 12 + i);
    ids[0].back() ^= 1;
    EXPECT_EQ(sent.find(ids[0]), std::nullopt);
}

TEST(SentObjects, TellsIdsApartThatFallInOnePlace)
{
    sent_objects sent;
    object_id a{}, b{}, c{};
    a[19] = 1;
    b[19] = 2;
    c[19] = 3;
    sent.add(a, 100);
    sent.add(b, UINT64_MAX);
    EXPECT_EQ(sent.find(a), 100u);
    EXPECT_EQ(sent.find(b), UINT64_MAX);
    EXPECT_EQ(sent.find(c), std::nullopt);
}

TEST(SentObjects, RemembersSizesAndBeginnings)
{
    sent_objects sent;
    const object_id zeros{};
    object_id other{};
    other[0] = 1;
    EXPECT_TRUE(sent.first_that_begins(5, zeros));
    EXPECT_FALSE(sent.first_that_begins(5, zeros));
    EXPECT_TRUE(sent.first_that_begins(6, zeros));
    EXPECT_TRUE(sent.first_that_begins(5, other));
    EXPECT_FALSE(sent.first_that_begins(5, other));
}

} // namespace
