#include <parley/wire/writer.hpp>

#include "samples.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(writer, writes_every_type)
{
    for (const test::sample& s : test::samples())
        EXPECT_EQ(as_text(encode(s.packet.peer, s.packet.body).view()), s.bytes)
            << packet_name(s.packet.body);
}

} // namespace
} // namespace parley
