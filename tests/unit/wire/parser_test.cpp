#include <parley/wire/parser.hpp>

#include <parley/wire/writer.hpp>

#include "samples.hpp"
#include "vector_files.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace parley {
namespace {

// Everything that a parser reads from a stream.
struct reading {
    std::vector<message> packets;
    error_code error;
    std::uint64_t offset = 0;
    std::size_t left = 0; // bytes that it did not take
    error_code end;
    friend bool operator==(const reading&, const reading&) = default;
};

// Feeds `stream` in pieces of the sizes from `next_size`, until it ends or the parser fails.
template <class NextSize>
reading read_in_pieces(std::string_view stream, NextSize next_size)
{
    packet_parser parser;
    reading out;
    bytes_view rest = as_bytes(stream);
    while (!rest.empty() && !out.error) {
        const std::size_t size = std::min<std::size_t>(next_size(), rest.size());
        bytes_view piece = rest.first(size);
        while (!piece.empty() && !out.error) {
            const auto got = parser.parse(piece);
            if (!got)
                out.error = got.error();
            else if (*got)
                out.packets.push_back(**got);
            else
                EXPECT_TRUE(piece.empty()) << "asked for more with bytes at hand";
        }
        rest = rest.subspan(size - piece.size());
    }
    out.offset = parser.offset();
    out.left = rest.size();
    out.end = parser.finish();
    EXPECT_EQ(out.offset, stream.size() - out.left);
    return out;
}

reading read_whole(std::string_view stream)
{
    return read_in_pieces(stream, [&] { return stream.size(); });
}

reading read_bytewise(std::string_view stream)
{
    return read_in_pieces(stream, [] { return 1; });
}

std::string all_samples()
{
    std::string stream;
    for (const test::sample& s : test::samples()) stream += s.bytes;
    return stream;
}

TEST(packet_parser, reads_every_type)
{
    for (const test::sample& s : test::samples()) {
        const reading got = read_whole(s.bytes);
        EXPECT_FALSE(got.error) << packet_name(s.packet.body) << ": " << got.error.message();
        EXPECT_EQ(got.packets, std::vector{s.packet}) << packet_name(s.packet.body);
        EXPECT_FALSE(got.end);
    }
}

TEST(packet_parser, returns_one_packet_a_call_and_leaves_the_rest)
{
    const std::string stream = "000101000202";
    packet_parser parser;
    bytes_view input = as_bytes(stream);
    const auto first = parser.parse(input);
    ASSERT_TRUE(first.has_value() && first->has_value());
    EXPECT_EQ((*first)->peer, uid{1});
    EXPECT_EQ(input.size(), 6U);
    EXPECT_EQ(parser.offset(), 6U);
    EXPECT_FALSE(parser.mid_packet());
    const auto second = parser.parse(input);
    ASSERT_TRUE(second.has_value());
    EXPECT_FALSE(second->has_value());
    EXPECT_TRUE(input.empty());
    EXPECT_TRUE(parser.mid_packet());
    EXPECT_EQ(parser.offset(), 12U);
}

TEST(packet_parser, no_bytes_are_no_packet)
{
    packet_parser parser;
    bytes_view input;
    const auto got = parser.parse(input);
    ASSERT_TRUE(got.has_value());
    EXPECT_FALSE(got->has_value());
    EXPECT_FALSE(parser.finish());
    EXPECT_EQ(parser.offset(), 0U);
}

TEST(packet_parser, reads_the_same_at_every_split)
{
    const std::string stream = all_samples() + all_samples();
    const reading whole = read_whole(stream);
    ASSERT_EQ(whole.packets.size(), 32U);
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        std::size_t piece = 0;
        EXPECT_EQ(read_in_pieces(stream, [&] { return piece++ == 0 && at != 0 ? at : stream.size(); }), whole)
            << at;
    }
    for (std::size_t size = 1; size <= 2 * max_packet_bytes; ++size)
        EXPECT_EQ(read_in_pieces(stream, [size] { return size; }), whole) << size;
}

TEST(packet_parser, knows_a_truncated_packet_at_every_length)
{
    for (const test::sample& s : test::samples())
        for (std::size_t size = 1; size < s.bytes.size(); ++size) {
            const std::string prefix = s.bytes.substr(0, size);
            for (const reading& got : {read_whole(prefix), read_bytewise(prefix)}) {
                EXPECT_TRUE(got.packets.empty());
                EXPECT_FALSE(got.error) << packet_name(s.packet.body) << " at " << size;
                EXPECT_EQ(got.end, errc::truncated_packet) << packet_name(s.packet.body) << " at " << size;
                EXPECT_EQ(got.offset, size);
            }
        }
}

TEST(packet_parser, reads_hexadecimal_in_either_case)
{
    const reading got = read_whole("aBcD0AAbCd0eFfFf09FeDc000f0F");
    ASSERT_FALSE(got.error) << got.error.message();
    const std::vector<message> expected = {
        {uid{0xabcd}, packet::accepted{}},
        {uid{0xabcd}, packet::done{}},
        {uid{0xffff}, packet::closed{uid{0xfedc}}},
        {uid{0x000f}, packet::timeout{}},
    };
    EXPECT_EQ(got.packets, expected);
}

struct malformed {
    std::string what;
    std::string bytes; // up to the byte that breaks the rule, which is the last
    errc error;
};

std::vector<malformed> malformed_packets()
{
    std::vector<malformed> all;
    const std::string nul(1, '\0');
    for (const char c : {'g', 'G', '/', ':', '@', '`', ' ', 'x', '\0', '\n', '\x7f', '\xff'}) {
        for (std::size_t i = 0; i < 4; ++i)
            all.push_back({"uid", std::string("0a0A").substr(0, i) + c, errc::bad_uid_digit});
        all.push_back({"type, first", std::string("0001") + c, errc::bad_type_digit});
        all.push_back({"type, second", std::string("00010") + c, errc::bad_type_digit});
        for (std::size_t i = 0; i < 4; ++i) {
            const std::string digits = std::string("ffFF").substr(0, i) + c;
            all.push_back({"uid of new_server", "000004" + digits, errc::bad_uid_digit});
            all.push_back({"uid of closed", "000009" + digits, errc::bad_uid_digit});
            all.push_back({"uid of relay_failure", "00000cC" + digits, errc::bad_uid_digit});
        }
    }
    for (const char c : {'1', '9', 'a', 'f', 'A', 'F'})
        all.push_back({"type above 0f", std::string("0001") + c, errc::unknown_packet_type});
    for (int c = 0; c < 256; ++c) {
        if (std::string_view("CSHN").find(static_cast<char>(c)) == std::string_view::npos)
            all.push_back(
                {"letter", std::string("00000c") + static_cast<char>(c), errc::bad_relay_failure_letter});
        if (c > 4)
            all.push_back(
                {"code", std::string("00010d") + static_cast<char>(c), errc::bad_spoke_failure_code});
    }
    for (const std::string& before :
         {std::string("000002"), std::string("000003"), "0000041a2b" + std::string(34, '\0'),
          "000107" + std::string(32, '\0')}) {
        all.push_back({"empty identity", before + nul, errc::identity_empty});
        for (int c = 0; c < 256; ++c) {
            const std::string bad(1, static_cast<char>(c));
            if (c != 0 && (c <= 0x20 || c >= 0x7f)) {
                all.push_back({"character, first", before + bad, errc::identity_bad_character});
                all.push_back({"character, third", before + "ab" + bad, errc::identity_bad_character});
                all.push_back(
                    {"character, last", before + std::string(52, 'a') + bad, errc::identity_bad_character});
            }
            if (c != 0)
                all.push_back({"no NUL", before + std::string(53, 'a') + bad, errc::identity_unterminated});
        }
    }
    return all;
}

TEST(packet_parser, fails_at_the_very_byte_that_breaks_a_rule)
{
    for (const malformed& m : malformed_packets())
        for (const std::string& before : {std::string{}, std::string("000101"), all_samples()})
            for (const std::string& after : {std::string{}, std::string("0"), std::string(200, '0')}) {
                const std::string stream = before + m.bytes + after;
                const reading whole = read_whole(stream);
                ASSERT_EQ(whole.error, m.error) << m.what << ": " << to_hex(as_bytes(m.bytes));
                EXPECT_EQ(whole.offset, before.size() + m.bytes.size() - 1) << m.what;
                EXPECT_EQ(whole.end, m.error) << m.what;
                EXPECT_EQ(read_bytewise(stream), whole) << m.what;
                EXPECT_EQ(read_in_pieces(stream, [] { return 3; }), whole) << m.what;
            }
}

TEST(packet_parser, stays_failed_and_takes_nothing_more)
{
    packet_parser parser;
    const std::string stream = "0001x1000101";
    bytes_view input = as_bytes(stream);
    EXPECT_EQ(parser.parse(input).error(), errc::bad_type_digit);
    EXPECT_EQ(input.size(), 8U);
    const std::string good = "000101";
    bytes_view more = as_bytes(good);
    EXPECT_EQ(parser.parse(more).error(), errc::bad_type_digit);
    EXPECT_EQ(more.size(), good.size());
    EXPECT_EQ(parser.offset(), 4U);
    EXPECT_EQ(parser.finish(), errc::bad_type_digit);
    EXPECT_FALSE(parser.mid_packet());
}

TEST(packet_parser, a_copy_goes_on_from_the_same_place)
{
    const std::string stream = "beef07" + test::counting_text(32, 0) + "host:1" + std::string(1, '\0');
    packet_parser first;
    bytes_view input = as_bytes(stream).first(20);
    ASSERT_TRUE(first.parse(input).has_value());
    packet_parser second = first;
    for (packet_parser* parser : {&first, &second}) {
        bytes_view rest = as_bytes(stream).subspan(20);
        const auto got = parser->parse(rest);
        ASSERT_TRUE(got.has_value() && got->has_value());
        EXPECT_EQ((*got)->peer, uid{0xbeef});
    }
}

TEST(packet_parser, random_bytes_read_the_same_whole_and_in_pieces)
{
    std::mt19937 random{20240517};
    const auto below = [&random](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
    };
    const std::string good = all_samples();
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string stream;
        if (round % 4 == 0) {
            for (std::size_t n = below(300); n > 0; --n) stream += static_cast<char>(below(256));
        } else {
            // Almost valid input gets deepest: a few bytes of a good stream changed, removed or doubled.
            stream = good;
            for (std::size_t n = below(4); n > 0; --n) {
                const std::size_t at = below(stream.size());
                switch (below(3)) {
                case 0:
                    stream[at] = static_cast<char>(below(256));
                    break;
                case 1:
                    stream.erase(at, 1);
                    break;
                default:
                    stream.insert(at, 1, stream[at]);
                }
            }
        }
        const reading whole = read_whole(stream);
        ASSERT_EQ(read_in_pieces(stream, [&] { return 1 + below(40); }), whole) << to_hex(as_bytes(stream));
        std::string again;
        for (const message& m : whole.packets) again += as_text(encode(m.peer, m.body).view());
        ASSERT_EQ(read_whole(again).packets, whole.packets);
        ++(whole.error ? refused : accepted);
    }
    EXPECT_GT(accepted, 1000U);
    EXPECT_GT(refused, 1000U);
}

TEST(packet_parser, reads_every_recorded_handshake)
{
    std::size_t packets = 0;
    for (const auto& path : test::json_files("transcripts")) {
        const auto transcript = test::read_json(path);
        std::map<std::pair<int, std::string>, std::string> streams;
        for (const auto& event : transcript.at("events")) {
            const auto direction = event.at("dir").get<std::string>();
            if (event.at("leg") != "handshake" || (direction != "peer->relay" && direction != "relay->peer"))
                continue;
            const hex_result bytes = from_hex(event.at("hex").get<std::string>());
            ASSERT_TRUE(bytes.ok) << path;
            streams[{event.at("conn").get<int>(), direction}] += as_text(bytes.bytes);
        }
        EXPECT_FALSE(streams.empty()) << path;
        for (const auto& [key, stream] : streams) {
            const reading got = read_whole(stream);
            EXPECT_FALSE(got.error) << path << ' ' << key.first << ' ' << key.second << " at " << got.offset;
            EXPECT_FALSE(got.end) << path << ' ' << key.first << ' ' << key.second;
            EXPECT_EQ(read_bytewise(stream), got) << path;
            std::string again;
            for (const message& m : got.packets) again += as_text(encode(m.peer, m.body).view());
            EXPECT_EQ(to_hex(as_bytes(again)), to_hex(as_bytes(stream))) << path;
            packets += got.packets.size();
        }
    }
    EXPECT_GT(packets, 0U);
}

} // namespace
} // namespace parley
