#include <parley/base/bytes.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(bytes, integers_are_big_endian)
{
    byte out[8] = {};
    store_be(out, std::uint64_t{0x0102030405060708});
    EXPECT_EQ(to_hex(out), "0102030405060708");
    EXPECT_EQ(load_be<std::uint64_t>(out), 0x0102030405060708U);
    EXPECT_EQ(load_be<std::uint32_t>(out + 1), 0x02030405U);
    EXPECT_EQ(load_be<std::uint16_t>(out + 6), 0x0708U);
    EXPECT_EQ(load_be<byte>(out + 7), 8U);
    store_be(out, std::uint16_t{0xfffe});
    store_be(out + 2, byte{0xfd});
    EXPECT_EQ(to_hex(bytes_view{out}.first(4)), "fffefd04");
}

TEST(bytes, views_borrow)
{
    const std::string text = "ab";
    EXPECT_EQ(as_bytes(text).data(), reinterpret_cast<const byte*>(text.data()));
    EXPECT_EQ(as_text(as_bytes(text)), "ab");
}

TEST(bytes, hexadecimal_there_and_back)
{
    byte_vector all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<byte>(i));
    const std::string hex = to_hex(all);
    EXPECT_EQ(hex.substr(0, 8), "00010203");
    EXPECT_EQ(hex.substr(hex.size() - 8), "fcfdfeff");
    const hex_result back = from_hex(hex);
    EXPECT_TRUE(back.ok);
    EXPECT_EQ(back.bytes, all);
    EXPECT_EQ(to_hex({}), "");
    EXPECT_TRUE(from_hex("").ok);
}

TEST(bytes, hexadecimal_is_read_in_either_case)
{
    EXPECT_EQ(from_hex("aBCdeF").bytes, (byte_vector{0xab, 0xcd, 0xef}));
}

TEST(bytes, what_is_not_hexadecimal_gives_nothing)
{
    for (const char* bad : {"0", "012", "0g", "g0", "00 0", "0x00", "00-1", "\xff\xff"}) {
        const hex_result got = from_hex(bad);
        EXPECT_FALSE(got.ok) << bad;
        EXPECT_TRUE(got.bytes.empty()) << bad;
    }
}

TEST(bytes, digits_are_22_characters)
{
    int digits = 0;
    for (int c = 0; c < 256; ++c) digits += hex_digit(static_cast<byte>(c)) >= 0 ? 1 : 0;
    EXPECT_EQ(digits, 22);
    EXPECT_EQ(hex_digit('0'), 0);
    EXPECT_EQ(hex_digit('9'), 9);
    EXPECT_EQ(hex_digit('a'), 10);
    EXPECT_EQ(hex_digit('F'), 15);
}

TEST(escaped, leaves_readable_text_alone)
{
    for (const char* text :
         {"", "127.0.0.1:80", "report (final).pdf", "grüße", "日本語", "العربية", "😀", "'"})
        EXPECT_EQ(escaped(text), text);
}

TEST(escaped, writes_controls_quotes_and_backslashes_in_hexadecimal)
{
    EXPECT_EQ(escaped("a\nb"), "a\\x0ab");
    EXPECT_EQ(escaped(std::string_view("\0", 1)), "\\x00");
    EXPECT_EQ(escaped("\x1b[31m"), "\\x1b[31m");
    EXPECT_EQ(escaped("\x7f"), "\\x7f");
    EXPECT_EQ(escaped("\"\\"), "\\x22\\x5c");
    EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b"); // the one-character CSI
}

TEST(escaped, writes_what_is_not_utf_8_in_hexadecimal)
{
    const std::pair<std::string_view, std::string_view> all[] = {
        {"\xff", "\\xff"},
        {"\x80", "\\x80"},
        {"a\xc3", "a\\xc3"},                               // cut short
        {"\xc3(", "\\xc3("},                               // no continuation
        {"\xc0\xaf", "\\xc0\\xaf"},                        // overlong, two bytes
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},               // three
        {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},      // four
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},               // a surrogate
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},      // above the last character
        {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},      // no lead byte
        {"\xc3\xa9\xff\xc3\xa9", "\xc3\xa9\\xff\xc3\xa9"}, // what is around stays
    };
    for (const auto& [text, expected] : all) EXPECT_EQ(escaped(text), expected);
}

TEST(escaped, writes_invisible_and_direction_changing_characters_in_hexadecimal)
{
    for (const char* text : {"\u00ad", "\u034f", "\u061c", "\u115f",     "\u180e",     "\u200b",    "\u200f",
                             "\u2028", "\u202e", "\u2066", "\u2069",     "\u2800",     "\u3164",    "\ufe0f",
                             "\ufeff", "\uffa0", "\ufffb", "\U0001d173", "\U000e0041", "\U000e01ef"}) {
        std::string expected;
        for (const byte b : as_bytes(text)) expected += "\\x" + to_hex({&b, 1});
        EXPECT_EQ(escaped(text), expected);
    }
    for (const char* text : {"\u00a1", "\u2010", "\u2027", "\u2070", "\ufffd", "\U000e1000"})
        EXPECT_EQ(escaped(text), text);
}

TEST(escaped, is_always_valid_and_printable)
{
    for (unsigned first = 0; first < 256; ++first)
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const std::string once = escaped(text);
            for (const byte b : as_bytes(once)) ASSERT_TRUE(b >= 0x20 && b != 0x7f) << first << ' ' << second;
            // Only the backslashes of the first escape are left to escape.
            const std::string twice = escaped(once);
            ASSERT_EQ(std::count(once.begin(), once.end(), '\\') * 3,
                      static_cast<std::ptrdiff_t>(twice.size() - once.size()));
        }
}

TEST(escaped, cuts_what_is_too_long)
{
    EXPECT_EQ(escaped("abcdef", 6), "abcdef");
    EXPECT_EQ(escaped("abcdefg", 6), "abcdef…");
    EXPECT_EQ(escaped(std::string(600, 'x')), std::string(512, 'x') + "…");
    // Never cuts inside a character or an escape.
    EXPECT_EQ(escaped("ééé", 3), "éé…");
    EXPECT_EQ(escaped("\n\n\n", 5), "\\x0a\\x0a…");
}

TEST(format_bytes, has_four_digits_and_a_unit)
{
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(1024), "1.0 KiB");
    EXPECT_EQ(format_bytes((1u << 20) - 1), "1.0 MiB");
    EXPECT_EQ(format_bytes(1536u << 10), "1.5 MiB");
    EXPECT_EQ(format_bytes(3ull << 30), "3.0 GiB");
    EXPECT_EQ(format_bytes(UINT64_MAX), "16.0 EiB");
}

} // namespace
} // namespace parley
