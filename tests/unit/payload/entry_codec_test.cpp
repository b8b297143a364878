#include "payload/format/entry_codec.hpp"
#include "support/pack_builder.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::byte;
using parley::entry_header;
using parley::entry_header_parser;
using parley::errc;
using parley::pack_entry_kind;
using status = entry_header_parser::status;

std::string encoded(pack_entry_kind kind, std::uint64_t size)
{
    byte out[parley::max_entry_header_bytes];
    return std::string(parley::as_text({out, parley::encode_entry_header(kind, size, out)}));
}

std::string encoded_distance(std::uint64_t distance)
{
    byte out[parley::max_base_distance_bytes];
    return std::string(parley::as_text({out, parley::encode_base_distance(distance, out)}));
}

// The status after all of `bytes`. The last byte must complete it.
status parsed(entry_header_parser& parser, std::string_view bytes)
{
    status last = status::more;
    for (const byte b : parley::as_bytes(bytes)) {
        EXPECT_EQ(last, status::more) << "before the end";
        last = parser.push(b);
    }
    return last;
}

TEST(EntryCodec, the_heads_of_recorded_packs)
{
    EXPECT_EQ(parley::to_hex(parley::encode_pack_head(11)), "5041434b000000020000000b");
    EXPECT_EQ(parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::file_name, 9))), "49");
    EXPECT_EQ(parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::file, 13))), "3d");
    EXPECT_EQ(parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::file, 0))), "30");
    EXPECT_EQ(parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::root, 26))), "9a01");
    EXPECT_EQ(parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::directory, 163))), "a30a");
    EXPECT_EQ(
        parley::to_hex(parley::as_bytes(encoded(pack_entry_kind::offset_delta, 39) + encoded_distance(2892))),
        "e702954c");
}

TEST(EntryCodec, a_pack_head_is_checked)
{
    auto head = parley::encode_pack_head(0x01020304);
    EXPECT_EQ(parley::decode_pack_head(head).entries, 0x01020304u);
    for (std::size_t i = 0; i < 8; ++i) {
        auto bad = head;
        bad[i] ^= 1;
        EXPECT_EQ(parley::decode_pack_head(bad).error,
                  i < 4 ? errc::pack_bad_signature : errc::pack_bad_version)
            << i;
    }
}

TEST(EntryCodec, every_kind_and_size_returns)
{
    std::vector<std::uint64_t> sizes = {0, 1, 15, 16, 17, 2047, 2048, UINT64_MAX, UINT64_MAX - 1};
    for (unsigned bit = 0; bit < 64; ++bit) sizes.push_back(1ull << bit);
    entry_header_parser parser;
    for (const auto kind : {pack_entry_kind::root, pack_entry_kind::directory, pack_entry_kind::file,
                            pack_entry_kind::file_name}) {
        for (const std::uint64_t size : sizes) {
            const std::string bytes = encoded(kind, size);
            EXPECT_LE(bytes.size(), parley::max_entry_header_bytes);
            EXPECT_EQ(bytes, entry_head(static_cast<unsigned>(kind), size)) << "as another encoder writes it";
            ASSERT_EQ(parsed(parser, bytes), status::done) << size;
            EXPECT_EQ(parser.header().kind, kind);
            EXPECT_EQ(parser.header().size, size);
        }
    }
}

TEST(EntryCodec, every_distance_returns)
{
    std::vector<std::uint64_t> distances = {1, 2, 127, 128, 129, 16511, 16512, 16513, 2892};
    for (unsigned bit = 0; bit < 62; ++bit) distances.push_back(1ull << bit);
    entry_header_parser parser;
    for (const std::uint64_t distance : distances) {
        const std::string bytes = encoded_distance(distance);
        EXPECT_LE(bytes.size(), parley::max_base_distance_bytes);
        EXPECT_EQ(bytes, distance_text(distance));
        ASSERT_EQ(parsed(parser, encoded(pack_entry_kind::offset_delta, 300) + bytes), status::done)
            << distance;
        EXPECT_EQ(parser.header().base_distance, distance);
        EXPECT_EQ(parser.header().size, 300u);
    }
}

TEST(EntryCodec, a_reference_has_its_twenty_bytes)
{
    std::string id;
    for (char c = 'a'; c < 'a' + 20; ++c) id += c;
    entry_header_parser parser;
    ASSERT_EQ(parsed(parser, encoded(pack_entry_kind::reference_delta, 5) + id), status::done);
    EXPECT_EQ(parley::as_text(parser.header().base_id), id);
    ASSERT_EQ(parsed(parser, encoded(pack_entry_kind::file, 1)), status::done) << "and nothing of it stays";
    EXPECT_EQ(parser.header().base_id, parley::object_id{});
}

TEST(EntryCodec, refuses_what_no_rule_allows)
{
    for (const unsigned kind : {0u, 5u})
        EXPECT_EQ(entry_header_parser().push(static_cast<byte>(kind << 4)), status::bad);
    entry_header_parser parser;
    // 4 + 8 * 7 bits leave room for four more.
    EXPECT_EQ(parsed(parser, "\xbf" + std::string(8, '\xff') + "\x0f"), status::done);
    EXPECT_EQ(parser.header().size, UINT64_MAX);
    EXPECT_EQ(parsed(parser, "\xbf" + std::string(8, '\xff') + "\x1f"), status::bad);
    EXPECT_EQ(parsed(entry_header_parser() = {}, "\xb0" + std::string(9, '\x80') + "\x01"), status::bad);
    entry_header_parser zero;
    EXPECT_EQ(parsed(zero, std::string("\x61\0", 2)), status::bad) << "a distance of 0";
    entry_header_parser far;
    EXPECT_EQ(parsed(far, "\x61" + std::string(9, '\xff')), status::more);
    EXPECT_EQ(far.push(0xff), status::bad);
}

} // namespace
} // namespace parley_test
