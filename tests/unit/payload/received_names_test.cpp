#include "support/pack_builder.hpp"
#include "unit/payload/name_corpus.hpp"
#include "unit/payload/push_document.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::errc;

// The corpus through the whole receiver: as the name of a file, of a directory, and inside a directory.
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
