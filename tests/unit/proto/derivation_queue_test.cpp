#include <proto/derivation_queue.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

TEST(network_of, is_the_address_of_ipv4_and_64_bits_of_ipv6)
{
    EXPECT_EQ(network_of("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(network_of("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    EXPECT_EQ(network_of("unix-17"), "unix-17");
    EXPECT_EQ(network_of(""), "");
    EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2:");
    EXPECT_EQ(network_of("2001:db8::1"), "2001:db8:0:0:");
    EXPECT_EQ(network_of("2001:db8:0:1::1"), "2001:db8:0:1:");
    EXPECT_EQ(network_of("2001:db8::1:2:3:4:5"), "2001:db8:0:1:");
    EXPECT_EQ(network_of("::1"), "0:0:0:0:");
    EXPECT_EQ(network_of("::"), "0:0:0:0:");
    EXPECT_EQ(network_of("fe80::"), "fe80:0:0:0:");
    EXPECT_EQ(network_of("1::2::3"), "1:0:0:0:") << "no address, and no harm";
    EXPECT_EQ(network_of("1:2:3:4:5:6:7:8:9:a"), "1:2:3:4:");
}

} // namespace
} // namespace parley::test
