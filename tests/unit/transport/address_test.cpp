#include <parley/transport/address.hpp>
#include <parley/transport/transport.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using ::testing::HasSubstr;

struct good_address {
    const char* text;
    const char* host;
    std::uint16_t port, room_port;
    const char* written;
};

class good_relay_address_test : public ::testing::TestWithParam<good_address> {};

TEST_P(good_relay_address_test, parses_and_writes)
{
    diagnostics diag;
    const auto parsed = relay_address::parse(GetParam().text, &diag);
    ASSERT_TRUE(parsed) << diag.message();
    EXPECT_EQ(parsed->scheme, "tcp");
    EXPECT_EQ(parsed->host, GetParam().host);
    EXPECT_EQ(parsed->port, GetParam().port);
    EXPECT_EQ(parsed->room_port, GetParam().room_port);
    EXPECT_EQ(parsed->text(), GetParam().written);
    const auto again = relay_address::parse(parsed->text());
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *parsed);
}

INSTANTIATE_TEST_SUITE_P(
    all, good_relay_address_test,
    ::testing::Values(
        good_address{"relay.example", "relay.example", 9000, 9001, "tcp://relay.example:9000"},
        good_address{"tcp://relay.example:80", "relay.example", 80, 9001, "tcp://relay.example:80"},
        good_address{"TCP://a:1,2", "a", 1, 2, "tcp://a:1,2"},
        good_address{"192.0.2.1:65535", "192.0.2.1", 65535, 9001, "tcp://192.0.2.1:65535"},
        good_address{"[2001:db8::1]", "2001:db8::1", 9000, 9001, "tcp://[2001:db8::1]:9000"},
        good_address{"[::1]:7,8", "::1", 7, 8, "tcp://[::1]:7,8"},
        good_address{"my_host-1.lan", "my_host-1.lan", 9000, 9001, "tcp://my_host-1.lan:9000"}));

struct bad_address {
    const char* text;
    errc code;
    const char* says;
};

class bad_relay_address_test : public ::testing::TestWithParam<bad_address> {};

TEST_P(bad_relay_address_test, is_refused_with_a_reason_and_a_place)
{
    diagnostics diag;
    const auto parsed = relay_address::parse(GetParam().text, &diag);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), GetParam().code);
    EXPECT_THAT(diag.message(), HasSubstr(GetParam().says));
    EXPECT_THAT(diag.message(), HasSubstr("at byte "));
    EXPECT_FALSE(relay_address::parse(GetParam().text)) << "a reason need not be asked for";
}

INSTANTIATE_TEST_SUITE_P(all, bad_relay_address_test,
                         ::testing::Values(bad_address{"", errc::bad_address, "no host"},
                                           bad_address{":9000", errc::bad_address, "no host"},
                                           bad_address{"tcp://", errc::bad_address, "no host"},
                                           bad_address{"gopher://h", errc::unknown_transport, "gopher"},
                                           bad_address{"://h", errc::unknown_transport, "no transport"},
                                           bad_address{"h:", errc::bad_address, "at byte 2"},
                                           bad_address{"h:0", errc::bad_address, "from 1 to 65535"},
                                           bad_address{"h:65536", errc::bad_address, "from 1 to 65535"},
                                           bad_address{"h:099", errc::bad_address, "from 1 to 65535"},
                                           bad_address{"h:123456", errc::bad_address, "from 1 to 65535"},
                                           bad_address{"h:+1", errc::bad_address, "from 1 to 65535"},
                                           bad_address{"h:1,", errc::bad_address, "at byte 4"},
                                           bad_address{"h:1,0", errc::bad_address, "at byte 4"},
                                           bad_address{"h:1x", errc::bad_address, "at byte 3"},
                                           bad_address{"h:1/path", errc::bad_address, "at byte 3"},
                                           bad_address{"h/path", errc::bad_address, "at byte 1"},
                                           bad_address{" h", errc::bad_address, "at byte 0"},
                                           bad_address{"h ", errc::bad_address, "at byte 1"},
                                           bad_address{"user@h", errc::bad_address, "at byte 4"},
                                           bad_address{"::1", errc::bad_address, "no host"},
                                           bad_address{"2001:db8::1", errc::bad_address, "in brackets"},
                                           bad_address{"[::1", errc::bad_address, "without"},
                                           bad_address{"[::1]x", errc::bad_address, "at byte 5"},
                                           bad_address{"[127.0.0.1]", errc::bad_address, "not an IPv6"},
                                           bad_address{"[]", errc::bad_address, "not an IPv6"},
                                           bad_address{"127.1", errc::bad_address, "not an IPv4"},
                                           bad_address{"1.2.3.256", errc::bad_address, "not an IPv4"},
                                           bad_address{"-h", errc::bad_address, "not a host"},
                                           bad_address{"a..b", errc::bad_address, "not a host"},
                                           bad_address{"h\n:1", errc::bad_address, "\\x0a"}));

TEST(relay_address_test, hosts_are_bounded)
{
    EXPECT_TRUE(relay_address::parse(std::string(253, 'h')));
    EXPECT_FALSE(relay_address::parse(std::string(254, 'h')));
    diagnostics diag;
    EXPECT_FALSE(relay_address::parse(std::string(1'000'000, 'h'), &diag));
    EXPECT_LT(diag.message().size(), 1000U);
}

TEST(relay_address_test, a_transport_with_one_port_takes_a_path)
{
    static constexpr transport one_url{"test-url", 443, 443, nullptr, nullptr};
    register_transport(one_url);
    const auto parsed = relay_address::parse("test-url://h:8443/relay?x=1");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->path, "/relay?x=1");
    EXPECT_EQ(parsed->room_port, 8443);
    EXPECT_EQ(parsed->text(), "test-url://h:8443/relay?x=1");
    EXPECT_FALSE(relay_address::parse("test-url://h:1,2"));
}

TEST(listen_address_test, stars_are_both_families)
{
    for (const char* text : {"*:9000", ":9000", "tcp://*:9000", "tcp://:9000"}) {
        const auto parsed = listen_address::parse(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(parsed->text(), "tcp://*:9000");
        const auto endpoints = parsed->endpoints();
        ASSERT_EQ(endpoints.size(), 2U);
        EXPECT_EQ(to_text(endpoints[0]), "[::]:9000");
        EXPECT_EQ(to_text(endpoints[1]), "0.0.0.0:9000");
    }
}

TEST(listen_address_test, one_address_is_one_endpoint)
{
    for (const auto& [text, endpoint] : {std::pair{"0.0.0.0:9000", "0.0.0.0:9000"},
                                         {"[::]:0", "[::]:0"},
                                         {"127.0.0.1:65535", "127.0.0.1:65535"},
                                         {"[::1]:1", "[::1]:1"}}) {
        const auto parsed = listen_address::parse(text);
        ASSERT_TRUE(parsed) << text;
        const auto endpoints = parsed->endpoints();
        ASSERT_EQ(endpoints.size(), 1U);
        EXPECT_EQ(to_text(endpoints[0]), endpoint);
    }
}

TEST(listen_address_test, anything_else_is_refused_with_a_reason)
{
    for (const char* text : {"", "*", "9000", "localhost:9000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                             "*:x", "*:1 ", "[::1]", "[::1:9000", "::1:9000", "*:1,2", "127.0.0.1:1/"}) {
        diagnostics diag;
        const auto parsed = listen_address::parse(text, &diag);
        EXPECT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error(), errc::bad_address) << text;
        EXPECT_THAT(diag.message(), HasSubstr("at byte ")) << text;
    }
    EXPECT_EQ(listen_address::parse("x://*:1").error(), errc::unknown_transport);
}

TEST(endpoint_text_test, a_mapped_address_is_written_as_what_it_is)
{
    EXPECT_EQ(to_text({asio::ip::make_address("::ffff:10.1.2.3"), 5}), "10.1.2.3:5");
    EXPECT_EQ(to_text({asio::ip::make_address("fe80::1%1"), 5}), "[fe80::1%lo]:5");
}

} // namespace
} // namespace parley
