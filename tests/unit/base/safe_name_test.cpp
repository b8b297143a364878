#include "unit/payload/name_corpus.hpp"

#include <parley/base/safe_name.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace parley_test {
namespace {

using parley::component_problem;
using parley::document_name_problem;
using parley::entry_name_problem;
using parley::escaped;
using parley::is_staging_name;

TEST(SafeName, accepts_ordinary_names_of_many_scripts)
{
    const auto names = corpus_names("accepted");
    ASSERT_GT(names.size(), 60u);
    for (const auto& [name, why] : names) {
        EXPECT_EQ(component_problem(name), "") << why << ": " << escaped(name);
        EXPECT_EQ(document_name_problem(name), "") << why << ": " << escaped(name);
    }
}

TEST(SafeName, refuses_what_is_no_component)
{
    for (const auto& [name, why] : corpus_names("refused")) {
        EXPECT_NE(component_problem(name), "") << why << ": " << escaped(name);
        EXPECT_NE(document_name_problem(name), "") << why << ": " << escaped(name);
    }
}

TEST(SafeName, a_document_does_not_mislead)
{
    const auto names = corpus_names("misleading");
    ASSERT_GT(names.size(), 60u);
    for (const auto& [name, why] : names) {
        EXPECT_EQ(component_problem(name), "") << why << ": inside a document the file system judges";
        EXPECT_NE(document_name_problem(name), "") << why << ": " << escaped(name);
    }
}

TEST(SafeName, every_control_character_is_refused_anywhere_in_a_documents_name)
{
    for (int c = 0; c < 256; ++c) {
        const bool control = c < 0x20 || c == 0x7f;
        const bool refused = control || c >= 0x80 || c == '/';
        for (const char* pattern : {"?xy", "x?y", "xy?"}) {
            std::string name(pattern);
            name[name.find('?')] = static_cast<char>(c);
            EXPECT_EQ(!document_name_problem(name).empty(), refused) << c << " in " << pattern;
            EXPECT_EQ(!component_problem(name).empty(), c == 0 || c == '/') << c << " in " << pattern;
        }
    }
}

TEST(SafeName, a_document_does_not_look_like_our_staging)
{
    for (const auto& [name, why] : corpus_names("staging")) {
        EXPECT_EQ(component_problem(name), "") << why << ": inside a document it is only a name";
        EXPECT_NE(document_name_problem(name), "") << why;
        EXPECT_TRUE(is_staging_name(name)) << why;
    }
    EXPECT_FALSE(is_staging_name(".parley-"));
    EXPECT_FALSE(is_staging_name(".parley.part"));
    EXPECT_FALSE(is_staging_name("x.parley-a.part"));
}

TEST(SafeName, problems_quote_nothing)
{
    for (const char* verdict : {"refused", "misleading"}) {
        for (const auto& [name, why] : corpus_names(verdict)) {
            const std::string_view problem = document_name_problem(name);
            EXPECT_TRUE(std::all_of(problem.begin(), problem.end(), [](char c) {
                return c >= ' ' && c <= '~';
            })) << why;
        }
    }
}

// In a document of session version 2.
TEST(SafeName, a_name_inside_a_document_is_utf8_without_control_characters)
{
    for (const char* verdict : {"accepted", "staging"}) {
        for (const auto& [name, why] : corpus_names(verdict))
            EXPECT_EQ(entry_name_problem(name), "") << why << ": " << escaped(name);
    }
    for (const auto& [name, why] : corpus_names("refused")) EXPECT_NE(entry_name_problem(name), "") << why;
    for (char32_t c = 0; c < 0x800; ++c) {
        std::string name = "x";
        if (c >= 0x80) name += static_cast<char>(0xc0 | c >> 6);
        name += static_cast<char>(c < 0x80 ? c : 0x80 | (c & 0x3f));
        const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        EXPECT_EQ(entry_name_problem(name).empty(), !control && c != '/') << static_cast<unsigned>(c);
    }
    EXPECT_EQ(entry_name_problem("a\u2028b"), "") << "it misleads only in a document's own name";
    EXPECT_NE(entry_name_problem("a\xff"), "");
    EXPECT_NE(entry_name_problem("\xed\xa0\x80"), "") << "a surrogate";
}

TEST(numbered_name, comes_before_the_extension_of_a_file)
{
    using parley::numbered_name;
    EXPECT_EQ(numbered_name("report.txt", 1, false), "report (1).txt");
    EXPECT_EQ(numbered_name("report.txt", 12, true), "report.txt (12)");
    EXPECT_EQ(numbered_name("report", 2, false), "report (2)");
    EXPECT_EQ(numbered_name(".bashrc", 1, false), ".bashrc (1)");
    EXPECT_EQ(numbered_name("Acme Inc.", 1, false), "Acme Inc. (1)");
    EXPECT_EQ(numbered_name("a.no extension of this length", 1, false), "a.no extension of this length (1)");
}

TEST(numbered_name, is_never_too_long_and_cuts_no_character)
{
    using parley::numbered_name;
    EXPECT_EQ(numbered_name(std::string(251, 'x') + ".txt", 1, false), std::string(247, 'x') + " (1).txt");
    EXPECT_EQ(numbered_name(std::string(255, 'x'), 1, true), std::string(251, 'x') + " (1)");
    std::string umlauts;
    while (umlauts.size() < 254) umlauts += "ü";
    const std::string cut = numbered_name(umlauts, 1000, true);
    EXPECT_EQ(cut, umlauts.substr(0, 248) + " (1000)");
    for (const auto& [name, why] : corpus_names("accepted")) {
        for (const bool is_directory : {true, false})
            EXPECT_EQ(parley::document_name_problem(numbered_name(name, 7, is_directory)), "") << why;
    }
}

} // namespace
} // namespace parley_test
