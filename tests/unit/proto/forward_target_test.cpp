#include <parley/proto/forward_target.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

TEST(forward_target, is_of_one_alphabet)
{
    for (const char* host : {"a", "localhost", "10.0.0.1", "::1", "a-b_c.d", "2001:db8::1"})
        EXPECT_TRUE((forward_target{host, 1}.is_valid())) << host;
    for (const char* host : {"", "A", "a b", "a/b", "[::1]", "fe80::1%eth0", "\xc3\xa9", "a\n", "a\\"})
        EXPECT_FALSE((forward_target{host, 1}.is_valid())) << host;
    EXPECT_FALSE((forward_target{"a", 0}.is_valid()));
    EXPECT_TRUE((forward_target{std::string(253, 'a'), 1}.is_valid()));
    EXPECT_FALSE((forward_target{std::string(254, 'a'), 1}.is_valid()));
    EXPECT_EQ((forward_target{"host", 80}.text()), "host:80");
    EXPECT_EQ((forward_target{"::1", 80}.text()), "[::1]:80");
}

TEST(forward_target, every_cause_has_words)
{
    for (int cause = 0; cause < 8; ++cause) EXPECT_FALSE(to_text(static_cast<forward_cause>(cause)).empty());
}

} // namespace
} // namespace parley::test
