#include <parley/transport/ip_network.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

using asio::ip::make_address;

std::string text_of(const char* address, unsigned bits)
{
    return ip_network{make_address(address), bits}.text();
}

TEST(unmapped_test, a_mapped_address_is_ipv4_and_others_stay)
{
    EXPECT_EQ(unmapped(make_address("::ffff:192.0.2.1")), make_address("192.0.2.1"));
    for (const char* other : {"192.0.2.1", "::1", "::192.0.2.1", "2001:db8::ffff:c000:201", "fe80::1%1"})
        EXPECT_EQ(unmapped(make_address(other)), make_address(other)) << other;
}

TEST(ip_network_test, its_text_has_no_bits_behind_the_prefix)
{
    EXPECT_EQ(text_of("192.0.2.77", 24), "192.0.2.0/24");
    EXPECT_EQ(text_of("192.0.2.77", 32), "192.0.2.77/32");
    EXPECT_EQ(text_of("192.0.2.77", 0), "0.0.0.0/0");
    EXPECT_EQ(text_of("2001:db8:1:2::3", 48), "2001:db8:1::/48");
    EXPECT_EQ(text_of("fe80::1%1", 64), "fe80::/64");
    EXPECT_EQ(text_of("::", 0), "::/0");
    EXPECT_EQ(text_of("::ffff:192.0.2.77", 120), "192.0.2.0/24");
    EXPECT_EQ(text_of("::ffff:192.0.2.77", 95), "::fffe:0:0/95");
}

TEST(ip_network_test, its_address_is_the_first)
{
    EXPECT_EQ((ip_network{make_address("192.0.2.77"), 25}.address()), make_address("192.0.2.0"));
    EXPECT_EQ((ip_network{make_address("2001:db8::1"), 128}.address()), make_address("2001:db8::1"));
}

TEST(ip_network_test, contains_its_addresses_in_either_form)
{
    const ip_network v4{make_address("10.20.0.0"), 15}, v6{make_address("fe80::"), 10};
    for (const char* in : {"10.20.0.0", "10.21.255.255", "::ffff:10.20.1.1"})
        EXPECT_TRUE(v4.contains(make_address(in))) << in;
    for (const char* out : {"10.19.255.255", "10.22.0.0", "::10.20.0.0", "::"})
        EXPECT_FALSE(v4.contains(make_address(out))) << out;
    for (const char* in : {"fe80::1", "febf:ffff::1", "fe80::1%1"})
        EXPECT_TRUE(v6.contains(make_address(in))) << in;
    for (const char* out : {"fec0::", "fe7f:ffff::", "254.128.0.0"})
        EXPECT_FALSE(v6.contains(make_address(out))) << out;
}

} // namespace
} // namespace parley
