#include "payload/in/tree_builder.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <parley/crypto/random.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace parley_test {
namespace {

using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::pack_entry_kind;
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
        const pack_entry_kind as = kind == blob_kind ? pack_entry_kind::file : pack_entry_kind::directory;
        EXPECT_FALSE(store->begin({as, content.size(), 0, {}}, offset++));
        EXPECT_FALSE(store->content(parley::as_bytes(content)));
        EXPECT_FALSE(store->end());
        return pack_object_id(kind, content);
    }
    error_code check(const pack_id& top)
    {
        // A store has only one builder. Here it forgets the last one.
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
    // The same for a directory, whose small files may be made early.
    pack_id give_folder(const std::string& content)
    {
        const pack_id id = give(tree_kind, content);
        tree_builder early(*store, limits);
        EXPECT_FALSE(early.fill_early(store->index().size() - 1)) << early.problem();
        EXPECT_EQ(early.problem(), "");
        return id;
    }
    disk_listing staged() { return listing_of(folder / "staging"); }
    disk_listing built(const pack_id& top)
    {
        made.emplace(*store, limits);
        EXPECT_FALSE(made->check(top)) << made->problem();
        EXPECT_FALSE(made->build(directory, "built")) << made->problem();
        return listing_of(folder / "built");
    }
    pack_id nested(int depth)
    {
        pack_id id = give(tree_kind, "");
        for (int i = 1; i < depth; ++i) id = give(tree_kind, tree_line("40000", "d", id));
        return id;
    }

    temporary_folder folder;
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
    // The same through a directory that was checked before at a smaller depth.
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

TEST_F(builder, paths_that_repeat_are_bounded_by_the_entries)
{
    limits.max_repeated_paths = 50;
    const pack_id file = give(blob_kind, "x");
    const auto files = [&](int count) {
        std::string lines;
        for (int i = 0; i < count; ++i) lines += tree_line("100644", "f" + std::to_string(i), file);
        return give(tree_kind, lines);
    };
    EXPECT_FALSE(check(files(49))) << made->problem();
    EXPECT_EQ(check(files(50)), errc::too_many_entries);
    EXPECT_NE(made->problem().find("51 paths of 3 entries"), std::string::npos) << made->problem();
    for (int i = 0; i < 3; ++i) give(blob_kind, std::to_string(i));
    EXPECT_FALSE(check(files(69))) << "seventy paths of seven entries";
    EXPECT_EQ(check(files(80)), errc::too_many_entries);
    limits.max_repeated_paths = 81;
    EXPECT_FALSE(check(files(80))) << made->problem();
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
    const pack_id hostile = give(tree_kind, tree_line("100644", "a/\n", file));
    EXPECT_EQ(check(give(tree_kind, tree_line("40000", "d", hostile))), errc::hostile_name);
    EXPECT_NE(made->problem().find("\"d/a/\\x0a\""), std::string::npos) << made->problem();
    EXPECT_EQ(check(give(tree_kind, tree_line("100644", "name", file) + tree_line("100644", "b", file) +
                                        tree_line("100644", "name", file))),
              errc::name_collision);
    EXPECT_NE(made->problem().find("\"name\""), std::string::npos) << made->problem();
    EXPECT_EQ(check(give(tree_kind, tree_line("100644", "gone", pack_id{}))), errc::pack_missing_object);
    EXPECT_NE(made->problem().find("gone"), std::string::npos);
    EXPECT_EQ(check(pack_id{}), errc::pack_missing_object);
    EXPECT_EQ(check(file), errc::pack_bad_tree);
}

TEST_F(builder, tells_which_path_exceeds_a_limit)
{
    limits.max_depth = 3;
    EXPECT_EQ(check(nested(4)), errc::tree_too_deep);
    EXPECT_NE(made->problem().find("\"d/d/d\""), std::string::npos) << made->problem();
    limits.max_entries = 3;
    const pack_id file = give(blob_kind, "x");
    const pack_id two = give(tree_kind, tree_line("100644", "a", file) + tree_line("100644", "b", file));
    EXPECT_EQ(check(give(tree_kind, tree_line("40000", "two", two))), errc::too_many_entries);
    EXPECT_NE(made->problem().find("\"two/b\""), std::string::npos) << made->problem();
}

// ---- folders made before everything has arrived

class early_builder : public builder {
protected:
    early_builder() { store->hold_small_files(); }
    static std::string line(const char* name, const pack_id& file) { return tree_line("100644", name, file); }
    static std::string folder_line(const char* name, const pack_id& id)
    {
        return tree_line("40000", name, id);
    }
};

TEST_F(early_builder, small_files_are_made_where_they_stay)
{
    const pack_id a = give(blob_kind, "a");
    const pack_id b = give(blob_kind, "b");
    const pack_id large = give(blob_kind, std::string(100'000, 'l'));
    const pack_id inner = give_folder(line("a", a) + line("b", b));
    const disk_listing early{{"2", bytes_of(std::string(100'000, 'l'))},
                             {"3", {}},
                             {"3/a", bytes_of("a")},
                             {"3/b", bytes_of("b")}};
    auto found = staged();
    EXPECT_TRUE(found.erase("spool"));
    EXPECT_EQ(found, early);
    const auto inode = [this](const char* path) {
        struct stat is{};
        EXPECT_EQ(::stat((folder / path).c_str(), &is), 0);
        return is.st_ino;
    };
    const auto of_a = inode("staging/3/a");
    const pack_id c = give(blob_kind, "c");
    const pack_id top = give_folder(line("c", c) + folder_line("inner", inner) + line("large", large));
    EXPECT_EQ(built(top), (disk_listing{{"c", bytes_of("c")},
                                        {"inner", {}},
                                        {"inner/a", bytes_of("a")},
                                        {"inner/b", bytes_of("b")},
                                        {"large", bytes_of(std::string(100'000, 'l'))}}));
    EXPECT_EQ(inode("built/inner/a"), of_a) << "nothing was copied";
    found = staged();
    EXPECT_TRUE(found.erase("spool"));
    EXPECT_TRUE(found.empty());
}

TEST_F(early_builder, what_is_needed_twice_is_not_one_file)
{
    const pack_id file = give(blob_kind, "twice");
    const pack_id own = give(blob_kind, "own");
    const pack_id one = give_folder(line("a", file) + line("b", file) + line("own", own));
    const pack_id other = give_folder(line("c", file));
    const pack_id top = give_folder(folder_line("one", one) + folder_line("other", other));
    const auto twice = bytes_of("twice");
    EXPECT_EQ(built(top), (disk_listing{{"one", {}},
                                        {"one/a", twice},
                                        {"one/b", twice},
                                        {"one/own", bytes_of("own")},
                                        {"other", {}},
                                        {"other/c", twice}}));
    for (const char* path : {"one/a", "one/b", "other/c"})
        EXPECT_EQ(std::filesystem::hard_link_count(folder / "built" / path),
                  path == std::string("one/a") ? 2u : 1u)
            << path << ": the first has its staged name, too";
}

TEST_F(early_builder, folders_that_are_needed_twice)
{
    const pack_id file = give(blob_kind, "file");
    const pack_id deep = give_folder(line("file", file));
    const pack_id inner = give_folder(folder_line("deep", deep));
    const pack_id top = give_folder(folder_line("one", inner) + folder_line("other", inner));
    const auto content = bytes_of("file");
    EXPECT_EQ(built(top), (disk_listing{{"one", {}},
                                        {"one/deep", {}},
                                        {"one/deep/file", content},
                                        {"other", {}},
                                        {"other/deep", {}},
                                        {"other/deep/file", content}}));
}

TEST_F(early_builder, a_folder_that_nobody_needs_gives_its_file_back)
{
    const pack_id file = give(blob_kind, "file");
    give_folder(line("elsewhere", file));
    EXPECT_TRUE(staged().contains("1/elsewhere"));
    const pack_id top = give_folder(line("here", file));
    EXPECT_EQ(built(top), (disk_listing{{"here", bytes_of("file")}}));
}

TEST_F(early_builder, a_folder_with_anything_wrong_is_not_made)
{
    const pack_id file = give(blob_kind, "file");
    const std::string good = line("good", file);
    for (const std::string& wrong : {line("..", file), line("a/b", file), line("", file), line("good", file),
                                     tree_line("120000", "link", file), std::string("100644 cut")}) {
        give_folder(good + wrong);
        auto found = staged();
        found.erase("spool");
        EXPECT_TRUE(found.empty()) << wrong;
    }
    const pack_id top = give_folder(good);
    EXPECT_TRUE(staged().contains(std::to_string(store->index().size() - 1) + "/good"));
    EXPECT_EQ(built(top), (disk_listing{{"good", bytes_of("file")}}));
}

// What is in the way here stands for a name that the file system takes for another one's.
TEST_F(early_builder, leaves_out_what_the_file_system_cannot_hold)
{
    const std::string long_content(100'000, 'l');
    const pack_id small = give(blob_kind, "small");
    const pack_id large = give(blob_kind, long_content);
    const pack_id deep = give(tree_kind, folder_line("large", give(tree_kind, line("f", large))));
    const pack_id inner = give(tree_kind, folder_line("deep", deep) + line("large", large));
    const pack_id top = give_folder(line("LARGE", large) + folder_line("inner", inner) +
                                    line("large", large) + line("small", small) + folder_line("z", inner));
    const std::string number = std::to_string(store->index().size() - 1);
    ASSERT_TRUE(staged().contains(number + "/small")) << "made early";
    folder.write("staging/" + number + "/LARGE", "in the way");
    folder.write("staging/" + number + "/z", "in the way");

    made.emplace(*store, limits);
    ASSERT_FALSE(made->check(top)) << made->problem();
    EXPECT_EQ(made->total().files, 7u);
    EXPECT_EQ(made->total().directories, 7u);
    ASSERT_FALSE(made->build(directory, "built")) << made->problem();
    EXPECT_EQ(listing_of(folder / "built"), (disk_listing{{"LARGE", bytes_of("in the way")},
                                                          {"inner", {}},
                                                          {"inner/deep", {}},
                                                          {"inner/deep/large", {}},
                                                          {"inner/deep/large/f", bytes_of(long_content)},
                                                          {"inner/large", bytes_of(long_content)},
                                                          {"large", bytes_of(long_content)},
                                                          {"small", bytes_of("small")},
                                                          {"z", bytes_of("in the way")}}));
    EXPECT_EQ(made->total().files, 4u);
    EXPECT_EQ(made->total().directories, 4u);
    EXPECT_EQ(made->total().bytes, 300'005u);
    ASSERT_EQ(made->skipped_count(), 2u);
    EXPECT_EQ(made->skipped()[0].path, "LARGE");
    EXPECT_EQ(made->skipped()[1].path, "z");
    EXPECT_EQ(made->skipped()[1].reason,
              "the file system takes its name for another one's in this directory");
}

TEST_F(early_builder, says_which_file_it_could_not_make)
{
    const pack_id file = give(blob_kind, "file");
    ASSERT_FALSE(staging_directory.make_empty_directory("1"));
    give(tree_kind, line("name", file));
    tree_builder early(*store, limits);
    EXPECT_EQ(early.fill_early(1), errc::destination_exists);
    EXPECT_EQ(early.problem(), "cannot make a folder for what arrives");
}

TEST_F(early_builder, a_file_called_a_directory_is_left_for_the_end)
{
    const pack_id file = give(blob_kind, "file");
    const pack_id top = give_folder(folder_line("file", file));
    made.emplace(*store, limits);
    EXPECT_EQ(made->check(top), errc::pack_bad_tree);
}

} // namespace
} // namespace parley_test
