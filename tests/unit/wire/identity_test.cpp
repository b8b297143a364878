#include <parley/wire/identity.hpp>

#include <gtest/gtest.h>

#include <unordered_set>

namespace parley {
namespace {

identity named(std::string_view text)
{
    return identity::from_text(text).value();
}

TEST(identity, is_empty_by_default)
{
    EXPECT_TRUE(identity{}.empty());
    EXPECT_EQ(identity{}.text(), "");
    EXPECT_EQ(identity{}.address(), "");
}

TEST(identity, keeps_its_text)
{
    EXPECT_EQ(named("127.0.0.1:9000").text(), "127.0.0.1:9000");
    EXPECT_FALSE(named("x").empty());
}

TEST(identity, takes_one_to_53_bytes)
{
    EXPECT_EQ(identity::from_text("").error(), errc::identity_empty);
    EXPECT_EQ(named(std::string(53, 'a')).text(), std::string(53, 'a'));
    EXPECT_EQ(identity::from_text(std::string(54, 'a')).error(), errc::identity_unterminated);
}

TEST(identity, takes_printable_ascii_only)
{
    for (int c = 0; c < 256; ++c) {
        const std::string text{'a', static_cast<char>(c), 'b'};
        const bool allowed = c > 0x20 && c < 0x7f;
        const auto made = identity::from_text(text);
        EXPECT_EQ(made.has_value(), allowed) << c;
        if (!allowed) {
            EXPECT_EQ(made.error(), errc::identity_bad_character) << c;
        }
    }
}

TEST(identity, tells_the_address_without_the_port)
{
    EXPECT_EQ(named("127.0.0.1:80").address(), "127.0.0.1");
    EXPECT_EQ(named("[::1]:80").address(), "::1");
    EXPECT_EQ(named("[fe80::1%eth0]:65535").address(), "fe80::1%eth0");
    EXPECT_EQ(named("[::1]").address(), "::1");
    EXPECT_EQ(named("::1:80").address(), "::1");
    EXPECT_EQ(named("nothing").address(), "nothing");
    EXPECT_EQ(named("host:").address(), "host");
    EXPECT_EQ(named(":80").address(), "");
    EXPECT_EQ(named("[]:80").address(), "");
    EXPECT_EQ(named("[:80").address(), "[");
    EXPECT_EQ(named("]").address(), "]");
}

TEST(identity, compares_and_hashes_by_its_bytes)
{
    EXPECT_EQ(named("a:1"), named("a:1"));
    EXPECT_NE(named("a:1"), named("a:10"));
    EXPECT_NE(named("a:1"), named("A:1"));
    const std::unordered_set<identity> set{named("a:1"), named("a:1"), named("b:1")};
    EXPECT_EQ(set.size(), 2U);
}

} // namespace
} // namespace parley
