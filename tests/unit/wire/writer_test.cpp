#include <parley/wire/writer.hpp>

#include <parley/wire/parser.hpp>

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

TEST(writer, writes_every_uid_in_four_lower_case_digits)
{
    for (unsigned value = 0; value <= 0xffff; ++value) {
        const uid peer{static_cast<std::uint16_t>(value)};
        const encoded_packet encoded = encode(peer, packet::closed{peer});
        char digits[5];
        std::snprintf(digits, sizeof digits, "%04x", value);
        ASSERT_EQ(as_text(encoded.view()), digits + std::string("09") + digits);
    }
}

TEST(writer, longest_packet_is_102_bytes)
{
    EXPECT_EQ(max_packet_bytes, 102U);
    EXPECT_EQ(encode(relay_uid, packet::y_and_server_validator{}).view().size(), 102U);
    const packet::new_server longest{relay_uid, {}, test::named(std::string(max_identity_bytes, 'i'))};
    EXPECT_EQ(encode(relay_uid, longest).view().size(), 98U);
}

TEST(writer, an_unwritten_packet_has_no_bytes)
{
    EXPECT_TRUE(encoded_packet{}.view().empty());
}

TEST(writer, what_it_writes_reads_back_the_same)
{
    std::vector<message> all;
    for (const test::sample& s : test::samples()) all.push_back(s.packet);
    for (const char letter : {'C', 'S', 'H', 'N'})
        all.push_back({uid{1}, packet::relay_failure{static_cast<relay_failure_kind>(letter), uid{0xfedc}}});
    for (byte code = 0; code <= 4; ++code)
        all.push_back({uid{2}, packet::spoke_failure{static_cast<spoke_failure_kind>(code)}});
    for (std::size_t size = 1; size <= max_identity_bytes; ++size) {
        const identity name = test::named(std::string(size, '~'));
        all.push_back({uid{3}, packet::server_identity{name}});
        all.push_back({uid{4}, packet::client_identity{name}});
        all.push_back({uid{5}, packet::new_server{uid{6}, test::counting<34>(0), name}});
        all.push_back({uid{7}, packet::x_and_client_identity{test::counting<32>(250), name}});
    }
    for (const message& m : all) {
        const encoded_packet encoded = encode(m.peer, m.body);
        packet_parser parser;
        bytes_view input = encoded.view();
        const auto back = parser.parse(input);
        ASSERT_TRUE(back.has_value() && back->has_value()) << packet_name(m.body);
        EXPECT_EQ(**back, m) << packet_name(m.body);
        EXPECT_TRUE(input.empty());
    }
}

} // namespace
} // namespace parley
