#include "relay/intake/forwarded.hpp"

#include <parley/transport/address.hpp>

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

std::string found(headers given,
                  std::initializer_list<const char*> trusted = {"10.0.0.0/8", "2001:db8:1::/48"})
{
    network_set set;
    for (const char* each : trusted) EXPECT_TRUE(set.add(each));
    http_request request;
    request.headers = std::move(given);
    const forwarded_client out = forwarded_for(request, set);
    switch (out.what) {
    case forwarded_client::kind::none:
        return "none";
    case forwarded_client::kind::known:
        return to_text(out.client);
    case forwarded_client::kind::withheld:
        return "withheld";
    case forwarded_client::kind::broken:
        return "broken";
    }
    return "?";
}

std::string by_forwarded(const char* value)
{
    return found({{"Forwarded", value}});
}
std::string by_list(const char* value)
{
    return found({{"x-forwarded-for", value}});
}

TEST(Forwarded, NothingSaid)
{
    EXPECT_EQ(found({}), "none");
    EXPECT_EQ(found({{"Host", "a"}, {"X-Forwarded-Proto", "https"}, {"X-Real-Port", "1"}}), "none");
    EXPECT_EQ(by_list(""), "none");
    EXPECT_EQ(by_list(" , ,"), "none");
    EXPECT_EQ(by_forwarded(""), "none");
    EXPECT_EQ(found({{"X-Real-IP", " "}}), "none");
}

TEST(Forwarded, XForwardedFor)
{
    EXPECT_EQ(by_list("192.0.2.1"), "192.0.2.1:0");
    EXPECT_EQ(by_list("192.0.2.1:4711"), "192.0.2.1:4711");
    EXPECT_EQ(by_list("2001:db8::1"), "[2001:db8::1]:0");
    EXPECT_EQ(by_list("[2001:db8::1]"), "[2001:db8::1]:0");
    EXPECT_EQ(by_list("[2001:db8::1]:4711"), "[2001:db8::1]:4711");
    EXPECT_EQ(by_list("::ffff:192.0.2.1"), "192.0.2.1:0");
    // From the right, over the trusted, to the first that is not.
    EXPECT_EQ(by_list("192.0.2.9, 192.0.2.1"), "192.0.2.1:0");
    EXPECT_EQ(by_list("192.0.2.9, 192.0.2.1 , 10.0.0.7,\t10.1.0.7:80"), "192.0.2.1:0");
    EXPECT_EQ(by_list("10.0.0.9, 10.0.0.7"), "10.0.0.9:0");
    EXPECT_EQ(by_list("192.0.2.1, 2001:db8:1::7"), "192.0.2.1:0");
    EXPECT_EQ(found({{"X-Forwarded-For", "192.0.2.9"}, {"x-forwarded-for", "192.0.2.1"}}), "192.0.2.1:0");
    // What a client has written itself is not even read.
    for (const char* forged :
         {"junk", "", "127.0.0.1", "\"", "10.0.0.1", "a,b,,c", "[::1", "unknown", "\1\2"})
        EXPECT_EQ(found({{"X-Forwarded-For", std::string{forged} + ", 192.0.2.1"}}), "192.0.2.1:0") << forged;
    // Behind a trusted one it ends the walk.
    EXPECT_EQ(by_list("junk, 10.0.0.7"), "10.0.0.7:0");
    EXPECT_EQ(by_list("192.0.2.1, unknown, 10.0.0.7"), "10.0.0.7:0");
}

TEST(Forwarded, Rfc7239)
{
    EXPECT_EQ(by_forwarded("for=192.0.2.1"), "192.0.2.1:0");
    EXPECT_EQ(by_forwarded("For=\"192.0.2.1:4711\""), "192.0.2.1:4711");
    EXPECT_EQ(by_forwarded("for=\"[2001:db8::1]:4711\""), "[2001:db8::1]:4711");
    EXPECT_EQ(by_forwarded("FOR=\"[2001:db8::1]\";proto=https; by=203.0.113.4"), "[2001:db8::1]:0");
    EXPECT_EQ(by_forwarded("proto=https;for=192.0.2.1;host=\"a;b,c\""), "192.0.2.1:0");
    EXPECT_EQ(by_forwarded("for=192.0.2.9, for=192.0.2.1, for=10.0.0.1"), "192.0.2.1:0");
    EXPECT_EQ(by_forwarded("for=\"192.0.2.\\1\""), "192.0.2.1:0");
    EXPECT_EQ(by_forwarded("for=\"192.0.2.1:_port\""), "192.0.2.1:0");
    EXPECT_EQ(by_forwarded("for=unknown"), "withheld");
    EXPECT_EQ(by_forwarded("for=\"_gazonk\""), "withheld");
    EXPECT_EQ(by_forwarded("for=_gazonk:_x"), "withheld");
    EXPECT_EQ(by_forwarded("proto=https"), "withheld");
    EXPECT_EQ(by_forwarded("for=192.0.2.9, for=unknown"), "withheld");
    EXPECT_EQ(found({{"Forwarded", "for=192.0.2.9"}, {"Forwarded", "for=192.0.2.1"}}), "192.0.2.1:0");
}

TEST(Forwarded, OfATrustedProxyItMustBeReadable)
{
    for (const char* value : {"junk",
                              "192.0.2",
                              "192.0.2.1:",
                              "192.0.2.1:x",
                              "192.0.2.1:65536",
                              "192.0.2.1:-1",
                              "[::1",
                              "::1]",
                              "[192.0.2.1]",
                              "[::1]x",
                              "[::1]:",
                              "1.2.3.4.5",
                              "192.0.2.1 x",
                              "\"192.0.2.1\"",
                              "fe80::1%eth0",
                              "[fe80::1%25eth0]:1",
                              "_",
                              ":",
                              "[]",
                              ":80",
                              "192.0.2.9, x"})
        EXPECT_EQ(by_list(value), "broken") << value;
    for (const char* value :
         {"for", "for=", "for=x", "for=\"192.0.2.1", "for=192.0.2.1\"", "for=\"\"", "for=\"a\"b",
          "for=192.0.2.1;for=192.0.2.1", "for=\"192.0.2.1\\", "for=\"192.0.2.1\\\"", "192.0.2.1", "for=::1",
          "x=\", for=192.0.2.1", "for=192.0.2.1;\"", "for=[::1"})
        EXPECT_NE(by_forwarded(value), "192.0.2.1:0") << value;
    EXPECT_EQ(by_forwarded("for=192.0.2.1;for=192.0.2.1"), "broken");
    EXPECT_EQ(by_forwarded("for=192.0.2.9;x=\", for=192.0.2.1"), "broken");
    EXPECT_EQ(found({{"X-Real-IP", "junk"}}), "broken");
    EXPECT_EQ(found({{"X-Real-IP", "192.0.2.1, 192.0.2.1"}}), "broken");
    EXPECT_EQ(found({{"X-Real-IP", "192.0.2.1"}, {"x-real-ip", "192.0.2.2"}}), "broken");
}

TEST(Forwarded, SeveralHeadersAgree)
{
    EXPECT_EQ(found({{"X-Real-IP", "192.0.2.1"}}), "192.0.2.1:0");
    EXPECT_EQ(found({{"X-Real-IP", "192.0.2.1"}, {"X-Real-Port", "4711"}}), "192.0.2.1:4711");
    EXPECT_EQ(found({{"X-Forwarded-For", "192.0.2.1"}, {"X-Real-Port", " 4711 "}}), "192.0.2.1:4711");
    EXPECT_EQ(found({{"X-Forwarded-For", "192.0.2.1:5"}, {"X-Real-Port", "4711"}}), "192.0.2.1:5");
    EXPECT_EQ(found({{"X-Real-IP", "192.0.2.1"}, {"X-Real-Port", "x"}}), "192.0.2.1:0");
    // The port that a client has reached is not its own.
    EXPECT_EQ(found({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Port", "443"}}), "192.0.2.1:0");
    const headers all{
        {"Forwarded", "for=\"192.0.2.1:9\""}, {"X-Forwarded-For", "192.0.2.1"}, {"X-Real-IP", "192.0.2.1"}};
    EXPECT_EQ(found(all), "192.0.2.1:9");
    // A proxy that sets one of them and passes on what the client says in another.
    EXPECT_EQ(found({{"Forwarded", "for=127.0.0.1"}, {"X-Forwarded-For", "192.0.2.1"}}), "broken");
    EXPECT_EQ(found({{"X-Forwarded-For", "203.0.113.1"}, {"X-Real-IP", "192.0.2.1"}}), "broken");
    EXPECT_EQ(found({{"X-Forwarded-For", "junk"}, {"X-Real-IP", "192.0.2.1"}}), "broken");
    // The nearer proxy names the farther one, or says nothing.
    EXPECT_EQ(found({{"X-Forwarded-For", "192.0.2.1, 10.0.0.7"}, {"X-Real-IP", "10.0.0.7"}}), "192.0.2.1:0");
    EXPECT_EQ(found({{"X-Forwarded-For", "10.0.0.7"}, {"X-Real-IP", "192.0.2.1"}}), "192.0.2.1:0");
    EXPECT_EQ(found({{"Forwarded", "for=unknown"}, {"X-Real-IP", "192.0.2.1"}}), "192.0.2.1:0");
}

TEST(Forwarded, ALongListIsBounded)
{
    std::string list = "192.0.2.1";
    for (int i = 0; i < 1000; ++i) list += ",10.0.0.1";
    EXPECT_EQ(found({{"X-Forwarded-For", list}}), "10.0.0.1:0");
}

} // namespace
} // namespace parley::detail
