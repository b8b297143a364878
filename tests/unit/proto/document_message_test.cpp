#include "proto/document/document_message.hpp"

#include <parley/proto/document_fault.hpp>
#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

using parley::testing::seeded_random;

struct read_message {
    byte type = 0;
    byte_vector body;
    friend bool operator==(const read_message&, const read_message&) = default;
};

byte_vector message_bytes(byte type, bytes_view body)
{
    byte_vector out{type};
    append_number(out, static_cast<std::uint32_t>(body.size()));
    append_bytes(out, body);
    return out;
}

// Reads all messages of a stream that comes in pieces of at most `most` bytes.
std::vector<read_message> read_all(bytes_view stream, std::size_t most)
{
    document_message_reader reader;
    std::vector<read_message> out;
    bool fresh = true;
    while (!stream.empty()) {
        const byte_vector copy(stream.begin(),
                               stream.begin() + static_cast<std::ptrdiff_t>(std::min(most, stream.size())));
        for (bytes_view piece = copy; !piece.empty();) {
            const document_header* const header = reader.header(piece);
            if (header == nullptr) continue;
            if (fresh) out.push_back({static_cast<byte>(header->type), {}});
            fresh = false;
            if (header->type == document_message::data) {
                append_bytes(out.back().body, reader.piece(piece));
                fresh = !reader.mid_message();
            } else if (const auto body = reader.body(piece)) {
                EXPECT_FALSE(reader.mid_message());
                append_bytes(out.back().body, *body);
                fresh = true;
            }
        }
        stream = stream.subspan(copy.size());
    }
    return out;
}

TEST(document_message, reads_any_split)
{
    seeded_random random{1};
    std::vector<read_message> sent;
    byte_vector stream;
    for (const std::size_t size : {0u, 1u, 5u, 300u, 0u, 65536u, 0u}) {
        for (const byte type : {byte{0x10}, byte{0x31}, byte{0x99}}) {
            sent.push_back({type, random.bytes(size)});
            append_bytes(stream, message_bytes(type, sent.back().body));
        }
    }
    for (const std::size_t most : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 100u, 4096u, 65540u, 1u << 20})
        EXPECT_TRUE(read_all(stream, most) == sent) << most;
}

TEST(document_message, has_bounds)
{
    EXPECT_FALSE((document_header{document_message::entries, 65536}.is_too_long()));
    EXPECT_TRUE((document_header{document_message::entries, 65537}.is_too_long()));
    EXPECT_FALSE((document_header{document_message::data, 262144}.is_too_long()));
    EXPECT_TRUE((document_header{document_message::data, 262145}.is_too_long()));
    EXPECT_TRUE((document_header{static_cast<document_message>(0xff), 0xffffffff}.is_too_long()));
}

TEST(document_message, a_body_has_its_form_exactly)
{
    byte_vector bytes;
    append_number<std::uint32_t>(bytes, 7);
    append_text<byte>(bytes, "é");
    append_text<std::uint16_t>(bytes, "");
    const auto problem_of = [](bytes_view all) {
        body_reader body{all};
        body.number<std::uint32_t>();
        body.text<byte>();
        body.text<std::uint16_t>();
        return std::string{body.problem_at_end() == nullptr ? "" : body.problem_at_end()};
    };
    EXPECT_EQ(problem_of(bytes), "");
    for (std::size_t n = 0; n < bytes.size(); ++n)
        EXPECT_EQ(problem_of(bytes_view{bytes}.first(n)), "is shorter than its form") << n;
    bytes.push_back(0);
    EXPECT_EQ(problem_of(bytes), "is longer than its form");
    bytes.pop_back();
    bytes[5] = 0xff;
    EXPECT_EQ(problem_of(bytes), "holds text that is not UTF-8");
}

TEST(document_message, after_a_fault_all_fields_are_empty)
{
    const byte_vector bytes{0, 9, 'x', 1, 2, 3, 4, 5, 6, 7, 8};
    body_reader body{bytes};
    EXPECT_EQ(body.text<std::uint16_t>(), "x\1\2\3\4\5\6\7\10");
    EXPECT_EQ(body.number<byte>(), 0);
    EXPECT_EQ(body.array<4>(), (std::array<byte, 4>{}));
    EXPECT_STREQ(body.problem(), "is shorter than its form");
    EXPECT_STREQ(body.problem_at_end(), "is shorter than its form");
}

TEST(document_message, cuts_texts_between_characters)
{
    EXPECT_EQ(cut_text("abc", 3), "abc");
    EXPECT_EQ(cut_text("abcd", 3), "abc");
    EXPECT_EQ(cut_text("aé", 2), "a");
    EXPECT_EQ(cut_text("€€", 5), "€");
    EXPECT_EQ(cut_text("€", 2), "");
}

TEST(document_message, an_unknown_reason_is_internal)
{
    for (unsigned number = 0; number < 256; ++number) {
        const auto reason = to_session_reason(static_cast<std::uint8_t>(number));
        EXPECT_EQ(static_cast<unsigned>(reason), number >= 1 && number <= 9 ? number : 10u);
        EXPECT_NE(error_code{to_errc(reason)}, error_code{});
    }
    EXPECT_EQ(to_errc(session_reason::refused_by_user), errc::refused_by_peer);
}

} // namespace
} // namespace parley::test
