#include "payload/source/refused_name.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parley;

TEST(RefusedName, ANameIsRefusedWithAReason)
{
    diagnostics why;
    EXPECT_FALSE(is_refused_name("fine", &why));
    EXPECT_TRUE(why.empty());
    EXPECT_TRUE(is_refused_name("two\nlines", &why));
    EXPECT_EQ(why.message(), "receivers refuse the name \"two\\x0alines\": it holds a control character");
    EXPECT_TRUE(is_refused_name("", nullptr));
}

TEST(RefusedName, ATitleMayBeAnyText)
{
    diagnostics why;
    EXPECT_FALSE(is_refused_title("", &why));
    EXPECT_FALSE(is_refused_title("photos / of\nMay", &why));
    EXPECT_FALSE(is_refused_title(std::string(255, 'x'), &why));
    EXPECT_TRUE(is_refused_title(std::string(256, 'x'), &why));
    EXPECT_TRUE(why.message().ends_with("it is longer than 255 bytes"));
    EXPECT_TRUE(is_refused_title("caf\xe9", &why));
    EXPECT_TRUE(why.message().ends_with("it is not valid UTF-8"));
}

} // namespace
