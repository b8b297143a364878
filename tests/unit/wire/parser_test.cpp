#include <parley/wire/parser.hpp>

#include "samples.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(packet_parser, reads_every_type)
{
    for (const test::sample& s : test::samples()) {
        packet_parser parser;
        bytes_view input = as_bytes(s.bytes);
        const auto got = parser.parse(input);
        ASSERT_TRUE(got.has_value()) << packet_name(s.packet.body) << ": " << got.error().message();
        ASSERT_TRUE(got->has_value()) << packet_name(s.packet.body);
        EXPECT_EQ(**got, s.packet) << packet_name(s.packet.body);
        EXPECT_TRUE(input.empty());
        EXPECT_EQ(parser.offset(), s.bytes.size());
    }
}

} // namespace
} // namespace parley
