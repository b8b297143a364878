#include "unit/payload/faulty_disk.hpp"
#include "unit/payload/name_corpus.hpp"
#include "unit/payload/push_document.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/sample_document.hpp"

#include <parley/payload/folder_sink.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace parley_test {
namespace {

using parley::document_kind;
using parley::errc;
using parley::error_code;
using parley::folder_sink;
using parley::folder_sink_options;
using parley::session_reason;
using parley::stored_document;
using parley::taken_action;
namespace fs = std::filesystem;

class folder_sinks : public ::testing::Test {
protected:
    folder_sink_options options() const
    {
        return folder_sink_options{}.directory(folder.path()).free_space_reserve(0, 0);
    }
    // Takes the document to its end.
    parley::result<stored_document> take(const folder_sink_options& with, const sample_document& document)
    {
        folder_sink sink(with);
        const auto seen = sink.preview(document.outline);
        auto error = seen ? deliver(sink, document).error : seen.error();
        auto stored = error ? parley::result<stored_document>(error) : sink.commit();
        fault = sink.fault();
        sink.end(true);
        return stored;
    }
    // The names of hidden folders.
    std::vector<std::string> hidden() const
    {
        std::vector<std::string> out;
        for (const std::string& name : folder.names())
            if (name.starts_with(".parley-")) out.push_back(name);
        return out;
    }
    static std::int64_t modified_of(const fs::path& path)
    {
        struct stat found{};
        EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
        return found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
    }
    static unsigned mode_of(const fs::path& path)
    {
        return static_cast<unsigned>(fs::symlink_status(path).permissions());
    }

    temporary_folder folder;
    parley::document_fault fault;
};

sample_document everything()
{
    return sample_tree({sample_file("a", "one", 0755, 1'600'000'000'123'456'789),
                        sample_directory("d", 0700, 1'500'000'000'000'000'000),
                        sample_file("d/large", random_text(300'000, 1), 0600), sample_directory("d/e"),
                        sample_directory("d/e/f"), sample_file("d/e/f/g", "g", 0444, -1),
                        sample_file("d/empty", ""), sample_link("d/e/up", "../../a"),
                        sample_link("dangling", "nowhere")});
}

TEST_F(folder_sinks, put_a_tree_into_its_place)
{
    const mode_t before = ::umask(022);
    const auto stored = take(options(), everything());
    ::umask(before);
    ASSERT_TRUE(stored) << fault.text;
    EXPECT_EQ(stored->path, folder / "tree");
    EXPECT_EQ(stored->placed, (std::vector<fs::path>{folder / "tree"}));
    EXPECT_EQ(stored->files, 4u);
    EXPECT_EQ(stored->directories, 3u);
    EXPECT_EQ(stored->links, 2u);
    EXPECT_EQ(stored->content_bytes, 300'004u);
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"tree", {}},
                                                       {"tree/a", bytes_of("one")},
                                                       {"tree/d", {}},
                                                       {"tree/d/large", bytes_of(random_text(300'000, 1))},
                                                       {"tree/d/e", {}},
                                                       {"tree/d/e/f", {}},
                                                       {"tree/d/e/f/g", bytes_of("g")},
                                                       {"tree/d/e/up", {}},
                                                       {"tree/d/empty", bytes_of("")},
                                                       {"tree/dangling", {}}}));
    EXPECT_EQ(fs::read_symlink(folder / "tree/d/e/up"), "../../a");
    EXPECT_EQ(mode_of(folder / "tree"), 0755u);
    EXPECT_EQ(mode_of(folder / "tree/a"), 0755u);
    EXPECT_EQ(mode_of(folder / "tree/d"), 0700u);
    EXPECT_EQ(mode_of(folder / "tree/d/large"), 0600u);
    EXPECT_EQ(mode_of(folder / "tree/d/e/f/g"), 0644u);
    EXPECT_EQ(modified_of(folder / "tree/a"), 1'600'000'000'123'456'789);
    EXPECT_EQ(modified_of(folder / "tree/d"), 1'500'000'000'000'000'000);
    EXPECT_EQ(modified_of(folder / "tree/d/e/f/g"), -1);
}

TEST_F(folder_sinks, put_other_kinds_into_their_places)
{
    EXPECT_EQ(take(options(), sample_single("f", "content"))->path, folder / "f");
    const auto stream = make_sample(document_kind::stream, "s", {sample_file("", random_text(100'000, 2))});
    EXPECT_EQ(take(options(), stream)->content_bytes, 100'000u);
    const auto items = take(options(), sample_items({sample_file("i", "1"), sample_directory("j"),
                                                     sample_file("j/k", "2"), sample_link("l", "j/k")}));
    ASSERT_TRUE(items) << fault.text;
    EXPECT_EQ(items->path, folder.path());
    EXPECT_EQ(items->placed, (std::vector<fs::path>{folder / "i", folder / "j", folder / "l"}));
    EXPECT_TRUE(take(options(), sample_tree({}, "empty")));
    EXPECT_EQ(take(options().name("own"), sample_items({sample_file("i", "3")}))->path, folder / "own");
    EXPECT_TRUE(take(options().name("other"), sample_single("f", "4")));
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"f", bytes_of("content")},
                                                       {"s", bytes_of(random_text(100'000, 2))},
                                                       {"i", bytes_of("1")},
                                                       {"j", {}},
                                                       {"j/k", bytes_of("2")},
                                                       {"l", {}},
                                                       {"empty", {}},
                                                       {"own", {}},
                                                       {"own/i", bytes_of("3")},
                                                       {"other", bytes_of("4")}}));
    EXPECT_EQ(take(options(), make_sample(document_kind::text, "", {sample_file("", "hello")})).error(),
              errc::refused_by_user);
}

TEST_F(folder_sinks, leave_holes_and_can_sync)
{
    const auto sparse = sample_single("sparse", "x" + std::string(8u << 20, '\0'));
    ASSERT_TRUE(take(options().sync(true), sparse)) << fault.text;
    struct stat found{};
    ASSERT_EQ(::stat((folder / "sparse").c_str(), &found), 0);
    EXPECT_EQ(found.st_size, (8 << 20) + 1);
    EXPECT_LT(found.st_blocks * 512, 1 << 20);
}

// ---- before the transfer

TEST_F(folder_sinks, judge_names_before_the_transfer)
{
    folder.write("taken", "mine");
    EXPECT_EQ(take(options(), sample_single("taken", "x")).error(), errc::destination_exists);
    EXPECT_EQ(fault.reason, session_reason::destination_exists);
    EXPECT_EQ(fault.text, "\"taken\" exists");
    EXPECT_EQ(take(options(), sample_items({sample_file("a", "x"), sample_file("taken", "x")})).error(),
              errc::destination_exists);
    EXPECT_EQ(take(options(), sample_single(".bashrc", "x")).error(), errc::refused_by_user);
    EXPECT_EQ(fault.reason, session_reason::refused_by_user);
    EXPECT_EQ(take(options(), sample_items({sample_file(".ssh", "x")})).error(), errc::refused_by_user);
    EXPECT_EQ(take(options().name("a/b"), sample_single("f", "x")).error(), errc::hostile_name);
    EXPECT_EQ(fault.reason, session_reason::bad_entry);
    EXPECT_EQ(folder.names(), std::set<std::string>{"taken"});
    EXPECT_TRUE(take(options().allow_dot_name(true), sample_single(".bashrc", "x")));
    EXPECT_TRUE(take(options().name(".chosen"), sample_single(".profile", "x")));
}

TEST_F(folder_sinks, find_a_destination_that_cannot_be_written_to)
{
    EXPECT_EQ(take(options().directory(folder / "absent"), sample_single("f", "x")).error(),
              boost::system::errc::no_such_file_or_directory);
    EXPECT_EQ(fault.reason, session_reason::file_failed);
    EXPECT_EQ(take(options().directory("/proc"), sample_single("f", "x")).error().category(),
              parley::file_category());
    EXPECT_EQ(fault.reason, session_reason::file_failed);
}

TEST_F(folder_sinks, need_room)
{
    const auto huge =
        std::make_shared<parley::document_outline>(document_kind::file, parley::document_id{}, "f");
    ASSERT_FALSE(huge->add({parley::entry_kind::file, "", 0644, parley::unknown_time, (1ull << 63) - 1, ""}));
    folder_sink sink(options());
    EXPECT_EQ(sink.preview(huge).error(), errc::no_room);
    EXPECT_EQ(sink.fault().reason, session_reason::no_space);
    EXPECT_TRUE(sink.fault().text.starts_with("no space left: it needs ")) << sink.fault().text;
    EXPECT_EQ(take(options().free_space_reserve(UINT64_MAX, 1), sample_single("f", "x")).error(),
              errc::no_room);
    EXPECT_TRUE(folder.names().empty());
}

TEST_F(folder_sinks, say_where_a_document_will_be)
{
    folder.write("f.txt", "mine");
    folder_sink sink(options().when_taken(taken_action::rename));
    const auto seen = sink.preview(sample_single("f.txt", "x").outline);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->place, folder / "f (1).txt");
    EXPECT_EQ(seen->other_name, "f (1).txt");
    EXPECT_GT(seen->free_bytes, 0u);
    EXPECT_EQ(folder.names(), std::set<std::string>{"f.txt"}) << "a preview leaves nothing";
    folder_sink more(options());
    EXPECT_EQ(more.preview(sample_items({sample_file("a", "x")}).outline)->place, folder.path());
}

// ---- a place that is taken

TEST_F(folder_sinks, give_another_name_if_that_is_allowed)
{
    const auto with = options().when_taken(taken_action::rename);
    for (const char* name : {"f.txt", "f (1).txt", "f (2).txt"})
        EXPECT_EQ(take(with, sample_single("f.txt", "x"))->path, folder / name);
    for (const char* name : {"tree", "tree (1)"}) EXPECT_EQ(take(with, everything())->path, folder / name);
    EXPECT_EQ(take(with, sample_items({sample_file("f.txt", "x"), sample_file("g", "y")}))->placed,
              (std::vector<fs::path>{folder / "f (3).txt", folder / "g"}));
}

TEST_F(folder_sinks, lose_nothing_when_the_place_is_taken_meanwhile)
{
    for (const bool is_tree : {false, true}) {
        const auto document = is_tree ? everything() : sample_single("tree", random_text(400'000, 3));
        {
            folder_sink sink(options());
            ASSERT_TRUE(sink.preview(document.outline));
            ASSERT_FALSE(deliver(sink, document).error);
            folder.write("tree", "mine");
            EXPECT_EQ(sink.commit().error(), errc::destination_exists);
            ASSERT_EQ(hidden().size(), 1u);
            EXPECT_EQ(sink.fault(), (parley::document_fault{session_reason::destination_exists,
                                                            "\"tree\" exists; what has come stays in \"" +
                                                                hidden()[0] + "/document\""}));
            sink.end(true);
        }
        EXPECT_EQ(take(options(), document).error(), errc::destination_exists) << "and is not removed";
        EXPECT_EQ(hidden().size(), 1u);
        fs::remove(folder / "tree");
        folder_sink again(options());
        ASSERT_TRUE(again.preview(document.outline));
        const auto delivered = deliver(again, document);
        EXPECT_EQ(delivered.sent, 0u);
        EXPECT_EQ(delivered.opened, is_tree ? 1u : 0u) << "an empty file is always sent";
        ASSERT_TRUE(again.commit()) << again.fault().text;
        EXPECT_TRUE(hidden().empty());
        fs::remove_all(folder / "tree");
    }
}

TEST_F(folder_sinks, move_items_back_when_one_is_taken)
{
    const auto document = sample_items(
        {sample_file("a", "1"), sample_directory("b"), sample_file("b/c", "2"), sample_file("d", "3")});
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document).error);
    folder.write("d", "mine");
    EXPECT_EQ(sink.commit().error(), errc::destination_exists);
    EXPECT_TRUE(sink.fault().text.starts_with("\"d\" exists; what has come")) << sink.fault().text;
    EXPECT_EQ(folder.names(), (std::set<std::string>{"d", hidden()[0]}));
    fs::remove(folder / "d");
    const auto stored = sink.commit();
    ASSERT_TRUE(stored) << "once the place is free";
    EXPECT_EQ(stored->placed.size(), 3u);
    EXPECT_EQ(folder.names(), (std::set<std::string>{"a", "b", "d"}));
}

TEST_F(folder_sinks, overwrite_files_and_merge_directories)
{
    const auto with = options().when_taken(taken_action::overwrite);
    folder.write("f", "old");
    EXPECT_EQ(take(with, sample_single("f", "new"))->path, folder / "f");
    folder.write("tree/a", "old");
    folder.write("tree/mine", "mine");
    folder.write("tree/d/e/mine", "mine");
    folder.write("outside", "mine");
    fs::create_symlink("../outside", folder / "tree/dangling");
    ASSERT_TRUE(take(with, everything())) << fault.text;
    const auto found = listing_of(folder.path());
    EXPECT_EQ(found.at("f"), bytes_of("new"));
    EXPECT_EQ(found.at("tree/a"), bytes_of("one"));
    EXPECT_EQ(found.at("tree/mine"), bytes_of("mine"));
    EXPECT_EQ(found.at("tree/d/e/mine"), bytes_of("mine"));
    EXPECT_EQ(found.at("tree/d/e/f/g"), bytes_of("g"));
    EXPECT_EQ(found.at("outside"), bytes_of("mine"));
    EXPECT_EQ(fs::read_symlink(folder / "tree/dangling"), "nowhere");
    EXPECT_TRUE(hidden().empty());
    ASSERT_TRUE(take(
        with, sample_items({sample_directory("tree"), sample_file("tree/a", "two"), sample_file("z", "z")})));
    EXPECT_EQ(listing_of(folder.path()).at("tree/a"), bytes_of("two"));
    EXPECT_EQ(listing_of(folder.path()).at("tree/d/e/f/g"), bytes_of("g"));
}

TEST_F(folder_sinks, overwrite_no_other_type)
{
    const auto with = options().when_taken(taken_action::overwrite);
    folder.write("f/x", "mine");
    EXPECT_EQ(take(with, sample_single("f", "new")).error(), errc::destination_exists);
    EXPECT_EQ(fault.text, "\"f\" is no file here");
    folder.write("outside/d/large", "mine");
    fs::create_directory(folder / "tree");
    fs::create_directory_symlink("../outside/d", folder / "tree/d");
    const auto before = listing_of(folder.path());
    EXPECT_EQ(take(with, everything()).error(), errc::destination_exists) << "nothing goes through a link";
    EXPECT_EQ(fault.text, "\"d\" is no directory here");
    EXPECT_EQ(listing_of(folder.path()), before);
    fs::remove(folder / "tree/d");
    folder_sink sink(with);
    ASSERT_TRUE(sink.preview(everything().outline));
    ASSERT_FALSE(deliver(sink, everything()).error);
    folder.write("tree/d/e/f/g/x", "mine, and made meanwhile");
    folder.write("tree/a", "mine");
    EXPECT_EQ(sink.commit().error(), errc::destination_exists);
    EXPECT_TRUE(sink.fault().text.starts_with("\"d/e/f/g\" is no file here; what has come"))
        << sink.fault().text;
    EXPECT_EQ(listing_of(folder.path()).at("tree/a"), bytes_of("mine")) << "and nothing has been replaced";
}

TEST_F(folder_sinks, keep_going_without_items_that_are_taken)
{
    folder.write("b", "mine");
    const auto document = sample_items({sample_file("a", "1"), sample_file("b", "2"), sample_file("c", "3")});
    const auto with = options().when_taken(taken_action::keep_going);
    EXPECT_EQ(take(with, document).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.reason, session_reason::bad_entry);
    ASSERT_EQ(hidden().size(), 1u);
    EXPECT_EQ(fault.text, "left out: \"b\"; what has come of it stays in \"" + hidden()[0] + "/document\"");
    auto found = listing_of(folder.path());
    EXPECT_EQ(found.at("a"), bytes_of("1"));
    EXPECT_EQ(found.at("b"), bytes_of("mine"));
    EXPECT_EQ(found.at("c"), bytes_of("3"));
    EXPECT_EQ(found.at(hidden()[0] + "/document/b"), bytes_of("2"));
    EXPECT_EQ(take(with, document).error(), errc::destination_exists) << "all are taken";
    EXPECT_EQ(take(with, sample_single("a", "x")).error(), errc::destination_exists);
}

// ---- names that the file system judges

TEST_F(folder_sinks, names_that_are_one_on_the_disk)
{
    const auto document = sample_tree({sample_directory("D"), sample_file("D/x", "1"), sample_directory("d"),
                                       sample_file("d/y", "2"), sample_directory("d/e"),
                                       sample_link("d/l", "y"), sample_file("z", "3")});
    const auto files = sample_tree({sample_file("Makefile", "1"), sample_file("makefile", "2")});
    faulty_disk disk;
    disk.folds_case = true;
    EXPECT_EQ(take(options(), document).error(), errc::entry_not_placed);
    EXPECT_EQ(fault, (parley::document_fault{session_reason::bad_entry,
                                             "\"d\" and \"D\" are one name on this file system"}));
    EXPECT_EQ(take(options(), files).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.text, "\"makefile\" and \"Makefile\" are one name on this file system");
    EXPECT_EQ(take(options(), sample_items({sample_file("A", "1"), sample_file("a", "2")})).error(),
              errc::entry_not_placed);
    EXPECT_EQ(fault.text, "\"a\" and \"A\" are one name on this file system") << "before the transfer";

    EXPECT_EQ(take(options().when_taken(taken_action::keep_going), document).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.text, "left out: \"d\"");
    EXPECT_EQ(listing_of(folder / "tree"),
              (disk_listing{{"D", {}}, {"D/x", bytes_of("1")}, {"z", bytes_of("3")}}));
    const auto links = sample_tree({sample_file("a", "1"), sample_link("A", "a")}, "links");
    EXPECT_EQ(take(options(), links).error(), errc::entry_not_placed);
}

TEST_F(folder_sinks, names_that_the_disk_cannot_hold)
{
    const auto document = sample_tree({sample_file("a", "1"), sample_file("b:c", random_text(200'000, 4)),
                                       sample_directory("d:"), sample_file("d:/e", "2"),
                                       sample_directory("f"), sample_directory("f/g:h")});
    faulty_disk disk;
    disk.refused = ':';
    EXPECT_EQ(take(options(), sample_single("x:y", "1")).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.text, "\"x:y\" cannot be a name on this file system") << "before the transfer";
    EXPECT_EQ(take(options(), document).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.text, "\"b:c\" cannot be a name on this file system") << "before the transfer";
    EXPECT_EQ(take(options().when_taken(taken_action::keep_going), document).error(), errc::entry_not_placed);
    EXPECT_EQ(fault.text, "left out: \"b:c\", \"d:\", \"f/g:h\"");
    EXPECT_EQ(listing_of(folder / "tree"), (disk_listing{{"a", bytes_of("1")}, {"f", {}}}));
    EXPECT_TRUE(hidden().empty());
}

TEST_F(folder_sinks, hostile_names_stay_inside)
{
    const auto before = listing_of(folder.path());
    for (const char* verdict : {"accepted", "misleading", "staging", "refused"})
        for (const auto& [name, why] : corpus_names(verdict)) {
            parley::document_outline outline(document_kind::directory, {}, "tree");
            if (outline.add({parley::entry_kind::file, name, 0644, parley::unknown_time, 1, ""})) {
                EXPECT_STRNE(verdict, "accepted") << why;
                continue;
            }
            const auto document = sample_tree({sample_file(name, "x")});
            ASSERT_TRUE(take(options(), document)) << why << ": " << fault.text;
            EXPECT_EQ(listing_of(folder / "tree"), (disk_listing{{name, bytes_of("x")}})) << why;
            fs::remove_all(folder / "tree");
            EXPECT_EQ(listing_of(folder.path()), before);
        }
}

// ---- a disk that is full

TEST_F(folder_sinks, a_full_disk)
{
    const auto document =
        sample_tree({sample_file("a", random_text(50'000, 5)), sample_file("b", random_text(200'000, 6))});
    {
        faulty_disk disk;
        folder_sink sink(options());
        ASSERT_TRUE(sink.preview(document.outline));
        disk.room = 130'001;
        const auto delivered = deliver(sink, document);
        EXPECT_EQ(delivered.error, boost::system::errc::no_space_on_device);
        EXPECT_EQ(delivered.error.category(), parley::file_category());
        EXPECT_EQ(sink.fault().reason, session_reason::no_space);
        EXPECT_TRUE(
            sink.fault().text.starts_with("cannot write \"b\": no space left, 116.0 KiB more needed, "))
            << sink.fault().text;
        sink.end(true);
    }
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    EXPECT_EQ(deliver(sink, document).sent, 250'000u - 130'001u) << "the next run goes on";
    EXPECT_TRUE(sink.commit());
}

// The size of a stream is not known before.
TEST_F(folder_sinks, leave_the_reserve_free)
{
    const auto stream = make_sample(document_kind::stream, "s", {sample_file("", random_text(400'000, 7))});
    faulty_disk disk;
    disk.free_bytes = 1'000'000;
    EXPECT_EQ(take(options().free_space_reserve(800'000, 1).keep(false), stream).error(), errc::no_room);
    EXPECT_EQ(fault.reason, session_reason::no_space);
    EXPECT_TRUE(fault.text.starts_with("no space left: it needs 68.4 KiB; ")) << fault.text;
    EXPECT_TRUE(folder.names().empty());
    EXPECT_TRUE(take(options().free_space_reserve(300'000, 1), stream)) << fault.text;
}

// ---- many files

TEST_F(folder_sinks, take_many_small_files_with_few_calls)
{
    constexpr unsigned directories = 200, files = 100;
    std::vector<sample_entry> entries;
    for (unsigned d = 0; d < directories; ++d) {
        const std::string above = "d" + std::to_string(d);
        entries.push_back(sample_directory(above));
        for (unsigned f = 0; f < files; ++f)
            entries.push_back(sample_file(above + "/f" + std::to_string(f), "content"));
    }
    const auto document = sample_tree(std::move(entries));
    faulty_disk disk;
    ASSERT_TRUE(take(options(), document)) << fault.text;
    EXPECT_LT(disk.calls, directories * files * 2 + directories * 8 + 100) << "one to open, one to write";
    unsigned found = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder / "tree"))
        found += entry.is_regular_file();
    EXPECT_EQ(found, directories * files);
}

} // namespace
} // namespace parley_test
