#include <parley/base/utf8.hpp>

#include <gtest/gtest.h>

#include <string>

namespace parley {
namespace {

TEST(utf8, decodes_the_first_and_last_character_of_each_length)
{
    struct sample {
        std::string_view text;
        char32_t code_point;
    };
    const sample all[] = {
        {{"\0", 1}, 0},
        {"\x7f", 0x7f},
        {"\xc2\x80", 0x80},
        {"\xdf\xbf", 0x7ff},
        {"\xe0\xa0\x80", 0x800},
        {"\xed\x9f\xbf", 0xd7ff},
        {"\xee\x80\x80", 0xe000},
        {"\xef\xbf\xbf", 0xffff},
        {"\xf0\x90\x80\x80", 0x10000},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
    };
    for (const auto& [text, code_point] : all) {
        const utf8_character got = decode_utf8(std::string{text} + "z");
        EXPECT_EQ(got.length, text.size());
        EXPECT_EQ(got.code_point, code_point);
        EXPECT_TRUE(is_valid_utf8(text));
    }
}

TEST(utf8, rejects_what_the_standard_rejects)
{
    for (const std::string_view bad : {
             "\x80", "\xbf",                         // no lead byte
             "\xc0\xaf", "\xc1\xbf",                 // overlong, two bytes
             "\xe0\x80\xaf", "\xe0\x9f\xbf",         // three
             "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", // four
             "\xed\xa0\x80", "\xed\xbf\xbf",         // surrogates
             "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", // above U+10FFFF
             "\xff", "\xfe",                         // never
             "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(",  // no continuation
         }) {
        EXPECT_EQ(decode_utf8(bad).length, 0u);
        EXPECT_FALSE(is_valid_utf8(bad));
        EXPECT_FALSE(is_valid_utf8("a" + std::string{bad}));
    }
}

TEST(utf8, a_character_cut_short_is_not_valid)
{
    for (const std::string whole : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        EXPECT_TRUE(is_valid_utf8(whole + whole));
        for (std::size_t size = 1; size < whole.size(); ++size) {
            EXPECT_EQ(decode_utf8(whole.substr(0, size)).length, 0u);
            EXPECT_FALSE(is_valid_utf8(whole + whole.substr(0, size)));
        }
    }
}

TEST(utf8, an_empty_text_has_no_character_and_is_valid)
{
    EXPECT_EQ(decode_utf8({}).length, 0u);
    EXPECT_TRUE(is_valid_utf8({}));
}

} // namespace
} // namespace parley
