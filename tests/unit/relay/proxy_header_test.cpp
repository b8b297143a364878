#include "relay/intake/proxy_header.hpp"

#include <parley/transport/address.hpp>

#include <gtest/gtest.h>

namespace parley::detail {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;

std::string v2(unsigned char command, unsigned char family, std::string_view payload)
{
    std::string out{signature};
    out += static_cast<char>(command);
    out += static_cast<char>(family);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
    return out + std::string{payload};
}

// The header, found at its last byte and not before it, with whatever follows left alone.
proxy_header whole(const std::string& header)
{
    for (std::size_t n = 0; n < header.size(); ++n) {
        const auto partial = parse_proxy_header(as_bytes(header).first(n));
        EXPECT_TRUE(partial && !*partial) << escaped(header) << " at " << n;
    }
    proxy_header out;
    for (const std::string_view behind : {"", "0", "000001", "PROXY UNKNOWN\r\n"}) {
        const std::string all = header + std::string{behind};
        const auto parsed = parse_proxy_header(as_bytes(all));
        EXPECT_TRUE(parsed && *parsed) << escaped(all);
        if (!parsed || !*parsed) return {};
        out = **parsed;
        EXPECT_EQ(out.size, header.size());
    }
    return out;
}

std::string client(const std::string& header)
{
    const proxy_header found = whole(header);
    return found.client ? to_text(*found.client) : "none";
}

// Refused, if not at once then at the latest with all of it; and never taken.
void refuse(const std::string& header)
{
    bool failed = false;
    for (std::size_t n = 0; n <= header.size(); ++n) {
        const auto parsed = parse_proxy_header(as_bytes(header).first(n));
        if (failed) {
            EXPECT_FALSE(parsed) << escaped(header) << " at " << n;
        }
        if (parsed) {
            EXPECT_FALSE(*parsed) << escaped(header) << " at " << n;
        }
        failed = failed || !parsed;
    }
    EXPECT_TRUE(failed) << escaped(header);
}

TEST(ProxyHeader, Version1)
{
    EXPECT_EQ(client("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1:56324");
    EXPECT_EQ(client("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"), "[2001:db8::1]:0");
    EXPECT_EQ(client("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 1\r\n"), "192.0.2.1:1");
    EXPECT_EQ(
        client("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "65535 65535\r\n"),
        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    EXPECT_EQ(client("PROXY UNKNOWN\r\n"), "none");
    EXPECT_EQ(client("PROXY UNKNOWN whatever 1 2 3\r\n"), "none");
}

TEST(ProxyHeader, Version1Refused)
{
    for (const char* line : {"PROXY \r\n",
                             "PROXY TCP4\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
                             "PROXY TCP5 ::1 ::1 1 1\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                             "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 1 x\r\n",
                             "PROXY TCP4 ::1 ::1 1 2\r\n",
                             "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
                             "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
                             "PROXY TCP6 fe80::1%1 ::1 1 2\r\n",
                             "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
                             "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
                             "PROXY TCP4 999.0.2.1 192.0.2.2 1 2\r\n",
                             "PROXY UNKNOWNX\r\n",
                             "GET / HTTP/1.1\r\n",
                             "000001"})
        refuse(line);
    // What the system's functions pass over.
    refuse(std::string{"PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"sv});
    refuse(std::string{"PROXY TCP4 192.0.2.1\0x 192.0.2.2 1 2\r\n"sv});
    refuse(std::string{"PROXY TCP4 192.0.2.1 192.0.2.2\0 1 2\r\n"sv});
    refuse(std::string{"PROXY TCP6 ::1\0 ::1 1 2\r\n"sv});
    refuse("PROXY TCP4 192.0.2.1\t 192.0.2.2 1 2\r\n");
    const std::string longest = "PROXY UNKNOWN " + std::string(max_proxy_v1_bytes - 16, 'x') + "\r\n";
    EXPECT_EQ(longest.size(), max_proxy_v1_bytes);
    EXPECT_EQ(client(longest), "none");
    refuse("PROXY UNKNOWN " + std::string(max_proxy_v1_bytes - 15, 'x') + "\r\n");
    refuse("PROXY " + std::string(200, 'x'));
}

TEST(ProxyHeader, Version2)
{
    const std::string v4 = std::string{"\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb"sv};
    EXPECT_EQ(client(v2(0x21, 0x11, v4)), "192.0.2.1:4660");
    EXPECT_EQ(client(v2(0x21, 0x11, v4 + std::string{"\x03\x00\x04\x01\x02\x03\x04"sv})),
              "192.0.2.1:4660"); // a TLV
    EXPECT_EQ(client(v2(0x21, 0x11, v4 + std::string(max_proxy_v2_payload_bytes - v4.size(), '\xff'))),
              "192.0.2.1:4660");
    std::string v6(36, '\0');
    v6.replace(0, 4, "\x20\x01\x0d\xb8");
    v6[15] = 1;
    v6[33] = 80;
    EXPECT_EQ(client(v2(0x21, 0x21, v6)), "[2001:db8::1]:80");
    EXPECT_EQ(client(v2(0x21, 0x31, std::string(216, 'x'))), "none"); // a Unix socket
    EXPECT_EQ(client(v2(0x20, 0x00, "")), "none");                    // LOCAL
    EXPECT_EQ(client(v2(0x20, 0x11, v4)), "none");
    EXPECT_EQ(client(v2(0x20, 0x12, "")), "none");
    EXPECT_EQ(client(v2(0x21, 0x00, "")), "none"); // UNSPEC
    EXPECT_EQ(client(v2(0x21, 0x00, v4)), "none");
}

TEST(ProxyHeader, Version2Refused)
{
    const std::string v4(12, '\1');
    refuse(v2(0x11, 0x11, v4)); // another version
    refuse(v2(0x31, 0x11, v4));
    refuse(v2(0x22, 0x11, v4)); // another command
    refuse(v2(0x21, 0x41, v4)); // another family
    refuse(v2(0x21, 0x12, v4)); // datagrams
    refuse(v2(0x21, 0x13, v4));
    refuse(v2(0x21, 0x10, v4));
    refuse(v2(0x21, 0x11, v4.substr(1))); // too short for its family
    refuse(v2(0x21, 0x11, ""));
    refuse(v2(0x21, 0x21, std::string(35, '\1')));
    refuse(v2(0x21, 0x31, std::string(215, '\1')));
    refuse(v2(0x21, 0x11, std::string(max_proxy_v2_payload_bytes + 1, '\1'))); // too long
    refuse(v2(0x20, 0x00, std::string(65535, '\1')));
    std::string other{signature};
    other[11] = '\r';
    refuse(other);
}

} // namespace
} // namespace parley::detail
