#include <parley/proto/session2_content.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

std::string hex_of(const byte_vector& bytes)
{
    return to_hex(bytes);
}

std::string fault_in_hello(const std::string& hex)
{
    diagnostics diag;
    const auto hello = parse_hello(from_hex(hex).bytes, &diag);
    EXPECT_EQ(hello.has_value(), diag.empty());
    if (!hello) {
        EXPECT_EQ(hello.error(), errc::bad_record);
    }
    return diag.message();
}

TEST(session2_content, a_hello_is_read_as_it_was_written)
{
    const session2_hello hello{"chat.example", "ü 1"};
    EXPECT_EQ(hex_of(encode(hello)), "0c636861742e6578616d706c6504c3bc203100");
    EXPECT_EQ(parse_hello(encode(hello)).value(), hello);
    EXPECT_EQ(parse_hello(encode({"a", ""})).value(), (session2_hello{"a", ""}));
    const std::string longest(64, 'z');
    EXPECT_EQ(parse_hello(encode({longest, longest})).value(), (session2_hello{longest, longest}));
}

TEST(session2_content, a_protocol_name_has_an_alphabet)
{
    for (const char* good : {"a", "parley.document", "0-9.a-z", "-"}) EXPECT_TRUE(is_protocol_name(good));
    EXPECT_TRUE(is_protocol_name(std::string(64, 'a')));
    for (const char* bad : {"", "A", "a b", "a_b", "a/b", "\xc3\xa9", "a\n"})
        EXPECT_FALSE(is_protocol_name(bad));
    EXPECT_FALSE(is_protocol_name(std::string(65, 'a')));
}

TEST(session2_content, extensions_are_checked_and_ignored)
{
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "02"
                             "010000"
                             "ff0002abcd"),
              "");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "01"
                             "00000100"),
              "");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "02"
                             "020000"
                             "010000"),
              "extensions out of order");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "02"
                             "010000"
                             "010000"),
              "extensions out of order");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "02"
                             "010000"),
              "a body shorter than its form");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "01"
                             "010003abcd"),
              "a body shorter than its form");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "00"
                             "00"),
              "a body longer than its form");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"),
              "a body shorter than its form");
    EXPECT_EQ(fault_in_hello("0161"), "a body shorter than its form");
    EXPECT_EQ(fault_in_hello(""), "a body shorter than its form");
    const std::string full(2 * 4092, '0'); // with its header 4095 bytes
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "01"
                             "010ffc" +
                             full),
              "");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "01"
                             "010ffd" +
                             full + "00"),
              "extensions of 4096 bytes or more");
    EXPECT_EQ(fault_in_hello("0161"
                             "00"
                             "02"
                             "010ffa" +
                             full.substr(4) + "020000"),
              "extensions of 4096 bytes or more");
}

TEST(session2_content, an_abort_is_read_as_it_was_written)
{
    const session2_abort abort{session_reason::no_space, "no space: ü"};
    EXPECT_EQ(parse_abort(encode(abort)).value(), abort);
    for (const byte unknown : {byte{0}, byte{11}, byte{255}}) {
        const byte_vector content{unknown, 0};
        EXPECT_EQ(parse_abort(content).value(), (session2_abort{session_reason::internal, ""}));
    }
    for (const char* bad : {"", "02", "020261", "0200ff", "0201ff"})
        EXPECT_FALSE(parse_abort(from_hex(bad).bytes)) << bad;
}

TEST(session2_content, a_long_text_is_cut_between_characters)
{
    const auto text_of = [](std::string text) {
        return parse_abort(encode(session2_abort{session_reason::internal, std::move(text)})).value().text;
    };
    EXPECT_EQ(text_of(std::string(255, 'a')), std::string(255, 'a'));
    EXPECT_EQ(text_of(std::string(256, 'a')), std::string(255, 'a'));
    EXPECT_EQ(text_of(std::string(254, 'a') + "ü"), std::string(254, 'a'));
    EXPECT_EQ(text_of(std::string(253, 'a') + "ü"), std::string(253, 'a') + "ü");
    EXPECT_EQ(text_of("a\xff"
                      "b"),
              "a")
        << "what is not UTF-8 cannot be sent";
    EXPECT_EQ(parse_hello(encode({"a", std::string(63, 's') + "ü"})).value().software, std::string(63, 's'));
}

} // namespace
} // namespace parley::test
