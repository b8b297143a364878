#include <parley/base/code.hpp>

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

namespace parley {
namespace {

using testing::seeded_random;

std::string made(random_source& random)
{
    return std::string{generate_code(random).text()};
}

std::string without_dashes(std::string text)
{
    std::erase(text, '-');
    return text;
}

std::string password_of(std::string_view typed)
{
    return std::string{normalise_code(typed).password.text()};
}

TEST(code, is_three_words_of_alternating_letters)
{
    seeded_random random{1};
    for (int i = 0; i < 1000; ++i) {
        const std::string code = made(random);
        ASSERT_EQ(code.size(), code_text_bytes);
        for (std::size_t at = 0; at < code.size(); ++at) {
            const std::size_t in_word = at % 6;
            const std::string_view allowed = in_word == 5       ? "-"
                                             : in_word % 2 == 1 ? "aiou"
                                                                : "bdfghjklmnprstvz";
            EXPECT_NE(allowed.find(code[at]), std::string_view::npos) << code << " at " << at;
        }
    }
}

TEST(code, has_forty_four_random_bits)
{
    // Each free letter takes each of its values about equally often, and pairs of letters do not hang
    // together.
    seeded_random random{2};
    constexpr int codes = 64'000;
    std::array<std::array<int, 128>, code_letters> seen{};
    std::set<std::string> different;
    double bits = 0;
    for (int i = 0; i < codes; ++i) {
        const std::string code = made(random);
        different.insert(code);
        const std::string letters = without_dashes(code);
        for (std::size_t at = 0; at < code_letters; ++at) ++seen[at][static_cast<std::size_t>(letters[at])];
    }
    for (std::size_t at = 0; at < code_letters; ++at) {
        const int values = at % 5 % 2 == 1 ? 4 : 16;
        int used = 0;
        for (const int count : seen[at]) {
            if (count == 0) continue;
            ++used;
            // Six standard deviations around the mean.
            const double mean = static_cast<double>(codes) / values;
            EXPECT_NEAR(count, mean, 6 * std::sqrt(mean)) << "letter " << at;
        }
        EXPECT_EQ(used, values) << "letter " << at;
        if (at + 1 < code_letters) bits += std::log2(values);
    }
    EXPECT_EQ(bits, static_cast<double>(code_random_bits));
    EXPECT_GE(code_random_bits, 44u);
    // 64,000 of 2^44: a repetition has a chance of about one in 8600.
    EXPECT_EQ(different.size(), static_cast<std::size_t>(codes));
}

TEST(code, depends_on_each_random_bit_that_counts)
{
    struct fixed_random final : random_source {
        std::array<byte, code_letters> bytes{};
        void fill(mutable_bytes out) noexcept override
        {
            std::copy_n(bytes.begin(), out.size(), out.begin());
        }
    } random;
    std::set<std::string> codes{made(random)};
    for (std::size_t letter = 0; letter + 1 < code_letters; ++letter)
        for (unsigned bit = 0; bit < (letter % 5 % 2 == 1 ? 2u : 4u); ++bit) {
            random.bytes = {};
            random.bytes[letter] = static_cast<byte>(1u << bit);
            EXPECT_TRUE(codes.insert(made(random)).second) << "letter " << letter << " bit " << bit;
        }
    EXPECT_EQ(codes.size(), 1 + code_random_bits);
}

TEST(code, is_read_back_however_it_is_typed)
{
    seeded_random random{3};
    for (int i = 0; i < 500; ++i) {
        const std::string code = made(random);
        std::string upper = code, spaced = code, underscored = code;
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        for (char& c : spaced)
            if (c == '-') c = ' ';
        for (char& c : underscored)
            if (c == '-') c = '_';
        for (const std::string& typed :
             {code, upper, spaced, underscored, without_dashes(code), "  " + spaced + " \t", code + "\n",
              code + "\r\n", code.substr(0, 5) + " - " + code.substr(6),
              code.substr(0, 5) + "\u2013" + code.substr(6), code.substr(0, 5) + "\u00a0" + code.substr(6),
              code.substr(0, 5) + ", " + code.substr(6) + "."}) {
            const typed_code read = normalise_code(typed);
            EXPECT_EQ(read.kind, code_kind::code) << typed;
            EXPECT_EQ(read.password.text(), code) << typed;
        }
    }
}

TEST(code, notices_each_wrong_letter)
{
    seeded_random random{4};
    const std::string code = made(random);
    for (std::size_t at = 0; at < code.size(); ++at) {
        const std::string_view letters = at % 6 % 2 == 1 ? "aiou" : "bdfghjklmnprstvz";
        if (code[at] == '-') continue;
        for (const char other : letters) {
            if (other == code[at]) continue;
            std::string wrong = code;
            wrong[at] = other;
            const typed_code read = normalise_code(wrong);
            EXPECT_EQ(read.kind, code_kind::mistyped) << wrong;
            EXPECT_EQ(read.password.text(), wrong);
        }
    }
}

TEST(code, notices_letters_that_changed_places)
{
    seeded_random random{5};
    for (int i = 0; i < 50; ++i) {
        const std::string code = made(random);
        for (std::size_t a = 0; a < code.size(); ++a)
            for (std::size_t b = a + 1; b < code.size(); ++b) {
                if (code[a] == code[b] || a % 6 == 5 || b % 6 == 5 || a % 6 % 2 != b % 6 % 2) continue;
                std::string wrong = code;
                std::swap(wrong[a], wrong[b]);
                EXPECT_EQ(normalise_code(wrong).kind, code_kind::mistyped) << code << " " << wrong;
            }
    }
}

TEST(code, leaves_other_passwords_as_typed)
{
    for (const std::string_view text :
         {"correct horse battery staple", " leading and trailing ", "Case-Matters", "p", "-", "- - -",
          "lusab-babad", "lusab-babad-gutih-gutih", "l\xc3\xbcsab-babad-gutih", "bababbababbabab1",
          "JG+ugAkaLvi+hTTWxcA4", "\x01\xff"}) {
        const typed_code read = normalise_code(text);
        EXPECT_EQ(read.kind, code_kind::other) << text;
        EXPECT_EQ(read.password.text(), text);
    }
}

TEST(code, loses_one_newline_and_no_more)
{
    EXPECT_EQ(password_of("secret\n"), "secret");
    EXPECT_EQ(password_of("secret\r\n"), "secret");
    EXPECT_EQ(password_of("secret\n\n"), "secret\n");
    EXPECT_EQ(password_of("secret \n"), "secret ");
    EXPECT_EQ(password_of(std::string_view{"a\0b", 3}), (std::string{"a\0b", 3}));
    for (const std::string_view nothing : {"", "\n", "\r\n"}) {
        EXPECT_EQ(normalise_code(nothing).kind, code_kind::empty);
        EXPECT_TRUE(normalise_code(nothing).password.empty());
    }
}

TEST(code, reads_anything_without_harm)
{
    seeded_random random{6};
    const std::string code = made(random);
    for (int i = 0; i < 20'000; ++i) {
        std::array<byte, 3> change{};
        random.fill(change);
        std::string text = code;
        text[change[0] % text.size()] = static_cast<char>(change[1]);
        text.resize(change[2] % 40);
        const typed_code read = normalise_code(text);
        EXPECT_TRUE(read.kind != code_kind::code || read.password.size() == code_text_bytes);
    }
}

} // namespace
} // namespace parley
