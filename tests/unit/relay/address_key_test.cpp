#include "relay/limits/address_key.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

std::optional<std::uint64_t> key(std::string_view text)
{
    return address_key(*identity::from_text(text));
}

TEST(address_key, is_the_address_without_the_port)
{
    EXPECT_EQ(key("192.0.2.1:1"), key("192.0.2.1:65535"));
    EXPECT_NE(key("192.0.2.1:1"), key("192.0.2.2:1"));
    EXPECT_EQ(key("192.0.2.1:1"), 0x0000'ffff'c000'0201u);
}

TEST(address_key, of_ipv6_is_the_network_of_64_bits)
{
    EXPECT_EQ(key("[2001:db8:1:2::1]:1"), key("[2001:db8:1:2:ffff:ffff:ffff:ffff]:9"));
    EXPECT_NE(key("[2001:db8:1:2::1]:1"), key("[2001:db8:1:3::1]:1"));
    EXPECT_EQ(key("[2001:db8:1:2::1]:1"), 0x2001'0db8'0001'0002u);
    EXPECT_EQ(key("[::1]:1"), 0u);
}

TEST(address_key, takes_a_mapped_address_for_the_other_family)
{
    EXPECT_EQ(key("[::ffff:192.0.2.1]:1"), key("192.0.2.1:1"));
}

TEST(address_key, of_other_identities_is_none)
{
    for (const char* text : {"unix-1:0", "x", ":", "[]:1", "1.2.3:4", "[fe80::1%eth0]:1", "999.1.1.1:1"})
        EXPECT_EQ(key(text), std::nullopt) << text;
    EXPECT_EQ(address_key({}), std::nullopt);
}

} // namespace
} // namespace parley::detail
