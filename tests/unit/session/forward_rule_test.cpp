#include <parley/session/forward_rule.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

TEST(forward_rule, reads_targets)
{
    const std::vector<std::pair<std::string, std::string>> table{
        {"localhost:80", "localhost:80"},
        {"LocalHost:080", ""},
        {"WWW.Example.org:443", "www.example.org:443"},
        {"a_b-c.d:65535", "a_b-c.d:65535"},
        {"10.0.0.1:1", "10.0.0.1:1"},
        {"127.1:1", ""},
        {"[::1]:22", "[::1]:22"},
        {"[2001:DB8:0:0::1]:22", "[2001:db8::1]:22"},
        {"[0:0:0:0:0:0:0:1]:22", "[::1]:22"},
        {"[fe80::1%eth0]:22", ""},
        {"::1:22", ""},
        {"[::1:22", ""},
        {"[::1]", ""},
        {"[::1]22", ""},
        {"host", ""},
        {"host:", ""},
        {"host:0", ""},
        {"host:65536", ""},
        {"host:9000", "host:9000"}, // the default of relays
        {"host:9000,9001", ""},
        {"tcp://host:80", ""},
        {"unix:/a:80", ""},
        {"host:80/x", ""},
        {"host:80 ", ""},
        {" host:80", ""},
        {":80", ""},
        {"*:80", ""},
        {"h\xc3\xa4:80", ""},
        {std::string(253, 'a') + ":80", std::string(253, 'a') + ":80"},
        {std::string(254, 'a') + ":80", ""},
        {"", ""},
    };
    for (const auto& [text, expected] : table) {
        diagnostics diag;
        const auto target = parse_forward_target(text, &diag);
        EXPECT_EQ(target ? target->text() : "", expected) << text;
        EXPECT_EQ(diag.empty(), static_cast<bool>(target)) << text;
        if (target)
            EXPECT_TRUE(target->is_valid()) << text;
        else
            EXPECT_EQ(target.error(), errc::bad_address) << text;
    }
}

TEST(forward_rule, reads_rules)
{
    const std::vector<std::pair<std::string, std::string>> table{
        {"8080:localhost:80", "localhost:8080:localhost:80"},
        {"0:Host:80", "localhost:0:host:80"},
        {"localhost:8080:host:80", "localhost:8080:host:80"},
        {"127.0.0.2:8080:host:80", "127.0.0.2:8080:host:80"},
        {"*:8080:host:80", "*:8080:host:80"},
        {"[::1]:8080:[::2]:80", "[::1]:8080:[::2]:80"},
        {"8080:[::2]:80", "localhost:8080:[::2]:80"},
        {":8080:host:80", ""}, // no address is not every address
        {"8080:80", ""},
        {"8080:host", ""},
        {"8080:host:", ""},
        {"8080", ""},
        {"", ""},
        {":", ""},
        {"::::", ""},
        {"[::1:8080:host:80", ""},
        {"[::1]8080:host:80", ""},
        {"::1:8080:host:80", ""},
        {"host:8080:host:80", ""}, // a name is no address to listen on
        {"65536:host:80", ""},
        {"08:host:80", ""},
        {"unix:/a:host:80", ""},
        {"8080:host:80:90", ""},
        {"8080:host:0", ""},
    };
    for (const auto& [text, expected] : table) {
        diagnostics diag;
        const auto rule = forward_rule::parse(text, &diag);
        EXPECT_EQ(rule ? rule->text() : "", expected) << text;
        EXPECT_EQ(diag.empty(), static_cast<bool>(rule)) << text;
        if (!rule) continue;
        const auto again = forward_rule::parse(rule->text());
        ASSERT_TRUE(again) << text;
        EXPECT_EQ(*again, *rule);
        for (const listen_address& each : rule->listen_addresses())
            EXPECT_FALSE(each.endpoints().empty()) << text;
    }
}

TEST(forward_rule, listens_on_loopback_unless_an_address_is_given)
{
    for (const listen_address& each : forward_rule::parse("80:a:1")->listen_addresses()) {
        ASSERT_EQ(each.endpoints().size(), 1u);
        EXPECT_TRUE(each.endpoints()[0].address().is_loopback()) << each.text();
        EXPECT_EQ(each.port, 80);
    }
    EXPECT_EQ(forward_rule::parse("80:a:1")->listen_addresses().size(), 2u);
    EXPECT_EQ(forward_rule::parse("10.0.0.1:80:a:1")->listen_addresses().size(), 1u);
    EXPECT_EQ(forward_rule::parse("*:80:a:1")->listen_addresses()[0].endpoints().size(), 2u);
}

} // namespace
} // namespace parley::test
