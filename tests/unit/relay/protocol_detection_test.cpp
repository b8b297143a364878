#include "relay/intake/protocol_detection.hpp"

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using namespace std::string_view_literals;
using enum detected_protocol;

constexpr auto both = {relay_channel::handshake, relay_channel::room};

// What it is, with every prefix undecided or the same already.
void expect(std::string_view text, relay_channel channel, detected_protocol what)
{
    bool decided = false;
    for (std::size_t n = 0; n <= text.size(); ++n) {
        const detected_protocol now = detect_protocol(as_bytes(text.substr(0, n)), channel);
        if (now == more_needed) {
            EXPECT_FALSE(decided) << escaped(text) << " at " << n;
            EXPECT_LT(n, max_first_bytes);
        } else {
            decided = true;
            EXPECT_EQ(now, what) << escaped(text) << " at " << n;
        }
    }
    EXPECT_TRUE(decided) << escaped(text);
}

TEST(FirstBytes, WhatIsTheSameOnBothDoors)
{
    for (const relay_channel channel : both) {
        expect("\x16\x03\x01\x02\x00\x01"sv, channel, tls);
        expect("\r\n\r\n\0\r\nQUIT\n\x21\x11"sv, channel, proxy_v2);
        expect("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", channel, proxy_v1);
        for (const char* request :
             {"GET / HTTP/1.1\r\n", "HEAD /", "POST /", "PUT /", "DELETE /", "CONNECT a:1", "OPTIONS *",
              "TRACE /", "PATCH /", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"})
            expect(request, channel, http);
    }
}

TEST(FirstBytes, OnTheHandshakesDoor)
{
    for (const std::string_view packets :
         {"000001"sv, "000000\1\2\3\4\5\6"sv, "ffff05"sv, "DEADBE"sv, "CAFE01"sv, "0000zz"sv, "Gx"sv, "zz"sv,
          "un1"sv, "unix+"sv, "\x16\x04"sv, "\r\nx"sv, "12345:"sv, "PROXX"sv, "GETS /"sv, "\0"sv, "12 4"sv})
        expect(packets, relay_channel::handshake, handshake);
    for (const char* line :
         {"127.0.0.1:4000\n", "1.2.3.4:5\n", "10.0.0.1:1\n", "[::1]:80\n", "[2001:db8::1]:80\n", "::1:80\n",
          "fe80::1:80\n", "2001:db8::1:80\n", "a:b", "unix-1000:7\n", "DE:1\n", ".", ":"})
        expect(line, relay_channel::handshake, room);
}

TEST(FirstBytes, OnTheRoomsDoor)
{
    for (const char* packets : {"000000\1\2", "000001", "00000a", "0000fF"})
        expect(packets, relay_channel::room, handshake);
    for (const char* line : {"127.0.0.1:4000\n", "[::1]:80\n", "unix-1000:7\n", "0001:", "0000:1\n", "0000\n",
                             "00001\n", "nonsense\n", "\n", "ffff01", "000g", "00000g"})
        expect(line, relay_channel::room, room);
}

TEST(FirstBytes, EveryStartIsDecidedInTime)
{
    // Whatever the first two bytes, and what follows them: decided within the bound, and for good.
    for (const relay_channel channel : both)
        for (unsigned a = 0; a < 256; ++a)
            for (unsigned b = 0; b < 256; ++b)
                for (const std::string_view tail :
                     {"\0\0\0\0\0\0\0\0\0\0"sv, "0000000000"sv, "zzzzzzzzzz"sv}) {
                    std::string text{static_cast<char>(a), static_cast<char>(b)};
                    text += tail;
                    detected_protocol before = more_needed;
                    for (std::size_t n = 0; n <= text.size(); ++n) {
                        const detected_protocol now =
                            detect_protocol(as_bytes(std::string_view{text}.substr(0, n)), channel);
                        if (before != more_needed) {
                            ASSERT_EQ(now, before) << escaped(text) << " at " << n;
                        }
                        before = now;
                    }
                    ASSERT_NE(before, more_needed) << escaped(text);
                }
}

} // namespace
} // namespace parley::detail
