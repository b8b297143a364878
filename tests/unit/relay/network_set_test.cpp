#include <parley/relay/network_set.hpp>

#include <boost/asio/ip/address.hpp>
#include <gtest/gtest.h>

namespace parley {
namespace {

bool holds(const network_set& set, const char* address)
{
    return set.contains(asio::ip::make_address(address));
}

TEST(NetworkSet, IsEmptyAtFirst)
{
    const network_set none;
    EXPECT_TRUE(none.empty());
    EXPECT_FALSE(none.contains_unix());
    EXPECT_FALSE(holds(none, "127.0.0.1"));
    EXPECT_FALSE(holds(none, "::"));
}

TEST(NetworkSet, HoldsWhatIsInside)
{
    network_set set;
    for (const char* text : {"10.0.0.0/8", "192.0.2.7", "2001:db8:0:8000::/49", "::1", "unix"})
        EXPECT_TRUE(set.add(text)) << text;
    for (const char* in : {"10.0.0.0", "10.255.255.255", "192.0.2.7", "::ffff:10.1.2.3",
                           "2001:db8:0:8000::", "2001:db8:0:ffff::1", "::1"})
        EXPECT_TRUE(holds(set, in)) << in;
    for (const char* out : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "::ffff:11.0.0.1", "2001:db8:0:7fff::1",
                            "2001:db8:1::", "::2", "::10.0.0.1", "::"})
        EXPECT_FALSE(holds(set, out)) << out;
    EXPECT_TRUE(set.contains_unix());
    const std::vector<std::string> texts{"10.0.0.0/8", "192.0.2.7/32", "2001:db8:0:8000::/49", "::1/128",
                                         "unix"};
    EXPECT_EQ(set.texts(), texts);
}

TEST(NetworkSet, EveryPrefixLength)
{
    for (unsigned bits = 0; bits <= 128; ++bits) {
        asio::ip::address_v6::bytes_type first{}, last{};
        for (unsigned i = bits; i < 128; ++i)
            last[i / 8] = static_cast<unsigned char>(last[i / 8] | 0x80U >> i % 8);
        network_set set;
        ASSERT_TRUE(set.add("::/" + std::to_string(bits)));
        EXPECT_TRUE(set.contains(asio::ip::address_v6{first}));
        EXPECT_TRUE(set.contains(asio::ip::address_v6{last})) << bits;
        if (bits == 0) continue;
        last[(bits - 1) / 8] = static_cast<unsigned char>(last[(bits - 1) / 8] | 0x80U >> (bits - 1) % 8);
        EXPECT_FALSE(set.contains(asio::ip::address_v6{last})) << bits;
    }
}

TEST(NetworkSet, AMappedNetworkIsItsIpv4)
{
    network_set set;
    ASSERT_TRUE(set.add("::ffff:192.0.2.0/120"));
    EXPECT_TRUE(holds(set, "192.0.2.200"));
    EXPECT_FALSE(holds(set, "192.0.3.1"));
    EXPECT_EQ(set.texts(), std::vector<std::string>{"192.0.2.0/24"});
    network_set all;
    ASSERT_TRUE(all.add("0.0.0.0/0"));
    EXPECT_TRUE(holds(all, "203.0.113.9"));
    EXPECT_FALSE(holds(all, "2001:db8::1"));
}

TEST(NetworkSet, RefusesWhatIsNone)
{
    for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", " 10.0.0.0/8",
                             "10.0.0.1/8", "10.0.0.0/08x", "::/129", "::1/127", "fe80::1%lo", "localhost",
                             "10.0.0", "10.0.0.0/8/8", "UNIX", "10.0.0.0/0008", "10.0.0.0/4294967304"}) {
        network_set set;
        diagnostics diag;
        EXPECT_FALSE(set.add(text, &diag)) << text;
        EXPECT_FALSE(diag.empty()) << text;
        EXPECT_TRUE(set.empty()) << text;
    }
}

} // namespace
} // namespace parley
