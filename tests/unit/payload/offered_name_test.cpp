#include "payload/source/offered_name.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parley;

TEST(OfferedName, IsTheLastComponent)
{
    EXPECT_EQ(offered_name("a/b"), "b");
    EXPECT_EQ(offered_name("b"), "b");
    EXPECT_EQ(offered_name("/a/b///"), "b");
    EXPECT_EQ(offered_name(""), "");
    EXPECT_EQ(offered_name("/"), "");
    EXPECT_EQ(offered_name("/usr/bin/.."), "usr");
    EXPECT_EQ(offered_name("."), std::filesystem::current_path().filename().string());
}

} // namespace
