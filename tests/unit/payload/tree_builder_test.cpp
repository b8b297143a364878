#include "payload/tree_builder.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <parley/crypto/random.hpp>

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::entry_kind;
using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::tree_builder;

class builder : public ::testing::Test {
protected:
    builder() : directory(*guarded_directory::open(folder.path()))
    {
        limits.free_space_reserve_bytes = 0;
        auto staging = directory.make_directory("staging");
        staging_directory = std::move(*staging);
        store.emplace(limits, parley::system_random());
        store->stage_in(staging_directory);
    }
    pack_id give(unsigned kind, const std::string& content)
    {
        const entry_kind as = kind == blob_kind ? entry_kind::file : entry_kind::directory;
        EXPECT_FALSE(store->begin({as, content.size(), 0, {}}, offset++));
        EXPECT_FALSE(store->content(parley::as_bytes(content)));
        EXPECT_FALSE(store->end());
        return pack_object_id(kind, content);
    }
    error_code check(const pack_id& top)
    {
        // A store has one builder in its life; here it forgets the one before.
        for (std::uint32_t i = 0; i < store->index().size(); ++i) {
            auto& record = store->index().at(i);
            record.base = 0;
            record.seen = record.shared = false;
        }
        made.emplace(*store, limits);
        const error_code error = made->check(top);
        EXPECT_EQ(static_cast<bool>(error), !made->problem().empty());
        return error;
    }
    pack_id nested(int depth)
    {
        pack_id id = give(tree_kind, "");
        for (int i = 1; i < depth; ++i) id = give(tree_kind, tree_line("40000", "d", id));
        return id;
    }

    scratch_folder folder;
    guarded_directory directory;
    guarded_directory staging_directory;
    parley::receiver_limits limits;
    std::optional<parley::object_store> store;
    std::optional<tree_builder> made;
    std::uint64_t offset = 12;
};

TEST_F(builder, counts_then_builds)
{
    const pack_id file = give(blob_kind, "1234");
    const pack_id empty = give(tree_kind, "");
    const pack_id inner = give(tree_kind, tree_line("100644", "f", file) + tree_line("40000", "e", empty));
    const pack_id top = give(tree_kind, tree_line("40000", "a", inner) + tree_line("40000", "b", inner) +
                                            tree_line("100644", "c", file));
    ASSERT_FALSE(check(top)) << made->problem();
    EXPECT_EQ(made->total().files, 3u);
    EXPECT_EQ(made->total().directories, 5u);
    EXPECT_EQ(made->total().bytes, 12u);
    EXPECT_EQ(made->total().height, 3u);
    EXPECT_FALSE(std::filesystem::exists(folder / "built")) << "checking makes nothing";
    ASSERT_FALSE(made->build(directory, "built"));
    const auto four = bytes_of("1234");
    EXPECT_EQ(
        listing_of(folder / "built"),
        (disk_listing{
            {"a", {}}, {"a/e", {}}, {"a/f", four}, {"b", {}}, {"b/e", {}}, {"b/f", four}, {"c", four}}));
}

TEST_F(builder, a_directory_longer_than_its_buffer)
{
    const pack_id file = give(blob_kind, "x");
    const pack_id below = give(tree_kind, tree_line("100644", "x", file));
    std::string lines;
    for (int i = 0; i < 2000; ++i) {
        const std::string name = std::to_string(i) + std::string(static_cast<std::size_t>(i % 200), 'n');
        lines += i % 10 == 0 ? tree_line("40000", name, below) : tree_line("100644", name, file);
    }
    ASSERT_FALSE(check(give(tree_kind, lines))) << made->problem();
    EXPECT_EQ(made->total().files, 2000u);
    ASSERT_FALSE(made->build(directory, "built"));
    EXPECT_EQ(listing_of(folder / "built").size(), 2200u);
}

TEST_F(builder, depth_is_bounded_exactly)
{
    limits.max_depth = 20;
    EXPECT_FALSE(check(nested(20))) << made->problem();
    EXPECT_EQ(check(nested(21)), errc::tree_too_deep);
    // The same through a directory that was checked before at a lesser depth.
    const pack_id ten = nested(10);
    pack_id deep = ten;
    for (int i = 0; i < 10; ++i) deep = give(tree_kind, tree_line("40000", "d", deep));
    EXPECT_FALSE(check(give(tree_kind, tree_line("40000", "a", ten) + tree_line("40000", "b", nested(19)))));
    EXPECT_EQ(check(give(tree_kind, tree_line("40000", "a", ten) + tree_line("40000", "z", deep))),
              errc::tree_too_deep);
}

TEST_F(builder, paths_are_bounded_however_they_are_made)
{
    limits.max_entries = 10;
    const pack_id file = give(blob_kind, "x");
    const auto files = [&](int count) {
        std::string lines;
        for (int i = 0; i < count; ++i) lines += tree_line("100644", "f" + std::to_string(i), file);
        return give(tree_kind, lines);
    };
    EXPECT_FALSE(check(files(9))) << made->problem();
    EXPECT_EQ(check(files(10)), errc::too_many_entries);
    const pack_id four = files(4);
    EXPECT_EQ(check(give(tree_kind, tree_line("40000", "a", four) + tree_line("40000", "b", four))),
              errc::too_many_entries);
}

TEST_F(builder, copies_count_as_bytes)
{
    limits.max_document_bytes = 100;
    const pack_id file = give(blob_kind, std::string(40, 'x'));
    const pack_id two = give(tree_kind, tree_line("100644", "a", file) + tree_line("100644", "b", file));
    EXPECT_FALSE(check(two)) << made->problem();
    EXPECT_EQ(check(give(tree_kind, tree_line("40000", "a", two) + tree_line("100644", "b", file))),
              errc::document_too_large);
}

TEST_F(builder, tells_which_name_is_wrong)
{
    const pack_id file = give(blob_kind, "x");
    EXPECT_EQ(check(give(tree_kind, tree_line("100644", "a\nb", file))), errc::hostile_name);
    EXPECT_NE(made->problem().find("a\\x0ab"), std::string::npos) << made->problem();
    EXPECT_EQ(check(give(tree_kind, tree_line("100644", "Name", file) + tree_line("100644", "b", file) +
                                        tree_line("100644", "nAME", file))),
              errc::name_collision);
    EXPECT_NE(made->problem().find("\"Name\" and \"nAME\""), std::string::npos) << made->problem();
    EXPECT_EQ(check(give(tree_kind, tree_line("100644", "gone", pack_id{}))), errc::pack_missing_object);
    EXPECT_NE(made->problem().find("gone"), std::string::npos);
    EXPECT_EQ(check(pack_id{}), errc::pack_missing_object);
    EXPECT_EQ(check(file), errc::pack_bad_tree);
}

} // namespace
} // namespace parley_test
