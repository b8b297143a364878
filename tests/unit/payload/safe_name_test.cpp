#include "payload/format/safe_name.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/name_corpus.hpp"
#include "unit/payload/push_document.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::component_problem;
using parley::document_name_problem;
using parley::errc;
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

// The corpus again, through the whole receiver: as the name of a file, of a directory, and inside a
// directory.
class received_names : public ::testing::Test {
protected:
    received_names()
    {
        outside.write("precious", "mine");
        std::filesystem::create_directory(outside / "into");
        before = listing_of(outside.path());
    }
    parley::error_code received(const std::string& stream)
    {
        auto options = into(outside / "into");
        options.allow_dot_name = true;
        const auto result = push(options, stream);
        if (result.error)
            EXPECT_EQ(result.detail.find_first_of("\n\r\x1b\x7f"), std::string::npos);
        else
            std::filesystem::remove_all(result.document->path);
        EXPECT_TRUE(listing_of(outside.path()) == before) << result.detail;
        return result.error;
    }
    static std::string inside(const std::vector<std::string>& names)
    {
        pack_builder pack;
        pack.add(blob_kind, "x");
        std::string tree;
        for (const std::string& name : names)
            tree += tree_line("100644", name, pack_object_id(blob_kind, "x"));
        pack.add(tree_kind, tree);
        pack.add(root_kind, root_text("d", pack_object_id(tree_kind, tree)));
        return pack.finish();
    }

    temporary_folder outside;
    disk_listing before;
};

TEST_F(received_names, that_are_safe_arrive)
{
    for (const auto& [name, why] : corpus_names("accepted")) {
        EXPECT_EQ(received(file_pack(name, "x")), parley::error_code()) << why;
        EXPECT_EQ(received(directory_pack(name, {{"f", "x"}})), parley::error_code()) << why;
        EXPECT_EQ(received(inside({name})), parley::error_code()) << why;
    }
}

TEST_F(received_names, that_are_no_components_do_not)
{
    for (const auto& [name, why] : corpus_names("refused")) {
        // A NUL ends a name in a root and in a tree, so these are malformed instead of hostile.
        const bool cut = name.find('\0') != std::string::npos;
        EXPECT_EQ(received(file_pack(name, "x")), errc::hostile_name) << why;
        const auto as_root = received(directory_pack(name, {{"f", "x"}}));
        const auto in_tree = received(inside({name}));
        if (cut || name.size() > 255) {
            EXPECT_EQ(as_root, parley::condition::peer_fault) << why;
            EXPECT_EQ(in_tree, parley::condition::peer_fault) << why;
        } else {
            EXPECT_EQ(as_root, errc::hostile_name) << why;
            EXPECT_EQ(in_tree, errc::hostile_name) << why;
        }
    }
}

TEST_F(received_names, that_mislead_arrive_inside_a_directory_only)
{
    for (const char* verdict : {"misleading", "staging"}) {
        for (const auto& [name, why] : corpus_names(verdict)) {
            EXPECT_EQ(received(file_pack(name, "x")), errc::hostile_name) << why;
            EXPECT_EQ(received(directory_pack(name, {{"f", "x"}})), errc::hostile_name) << why;
            EXPECT_EQ(received(inside({name})), parley::error_code()) << why;
        }
    }
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

TEST_F(received_names, that_only_some_file_systems_take_for_one_arrive_together)
{
    for (const auto& [first, second] :
         {std::pair{"README", "readme"}, std::pair{"caf\xc3\xa9", "cafe\xcc\x81"},
          std::pair{"Acme Inc.", "Acme Inc"}, std::pair{"stra\u00dfe", "STRASSE"}})
        EXPECT_EQ(received(inside({first, "between", second})), parley::error_code()) << first;
    EXPECT_EQ(received(inside({"twice", "between", "twice"})), errc::name_collision);
}

} // namespace
} // namespace parley_test
