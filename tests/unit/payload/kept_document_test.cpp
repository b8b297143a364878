// A folder_sink that goes on with what is there.
#include "unit/payload/faulty_disk.hpp"
#include "unit/payload/push_document.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/sample_document.hpp"

#include "payload/in/staging_area.hpp"

#include <parley/payload/folder_sink.hpp>

#include <gtest/gtest.h>

#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace parley_test {
namespace {

using parley::errc;
using parley::folder_sink;
using parley::folder_sink_options;
namespace fs = std::filesystem;

class kept_documents : public ::testing::Test {
protected:
    folder_sink_options options() const
    {
        return folder_sink_options{}.directory(folder.path()).free_space_reserve(0, 0);
    }
    fs::path hidden() const
    {
        for (const std::string& name : folder.names())
            if (name.starts_with(".parley-")) return folder / name;
        return {};
    }
    // Writes `bytes` of the document, and leaves it as a killed receiver does.
    void begin_and_leave(const sample_document& with, std::uint64_t bytes)
    {
        folder_sink sink(options());
        ASSERT_TRUE(sink.preview(with.outline));
        ASSERT_FALSE(deliver(sink, with, bytes).error);
    }
    // Completes the document. Returns how many bytes had to be sent.
    std::uint64_t complete(const sample_document& with)
    {
        folder_sink sink(options());
        EXPECT_TRUE(sink.preview(with.outline)) << sink.fault().text;
        const auto delivered = deliver(sink, with);
        EXPECT_FALSE(delivered.error) << sink.fault().text;
        EXPECT_TRUE(sink.commit()) << sink.fault().text;
        EXPECT_EQ(folder.names(), std::set<std::string>{"tree"});
        EXPECT_TRUE(listing_of(folder / "tree") == expected(with));
        fs::remove_all(folder / "tree");
        return delivered.sent;
    }
    static disk_listing expected(const sample_document& of)
    {
        disk_listing out;
        for (std::uint32_t n = 0; n < of.outline->entries().size(); ++n) {
            const bool is_file = of.outline->entries().at(n).kind == parley::entry_kind::file;
            out[of.outline->entries().path(n)] =
                is_file ? std::optional(bytes_of(of.contents[n])) : std::nullopt;
        }
        return out;
    }

    temporary_folder folder;
    sample_document document =
        sample_tree({sample_file("a", random_text(100'000, 1)), sample_directory("d"),
                     sample_file("d/b", random_text(100'000, 2)), sample_directory("d/e"),
                     sample_file("d/e/c", random_text(100'000, 3)), sample_link("d/l", "b")});
    static constexpr std::uint64_t all_bytes = 300'000;
};

TEST_F(kept_documents, go_on_in_one_run)
{
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    std::uint64_t sent = 0;
    for (int round = 0; round < 40; ++round) {
        const auto delivered = deliver(sink, document, 9'999);
        ASSERT_FALSE(delivered.error) << sink.fault().text;
        sent += delivered.sent;
        sink.interrupt();
        if (round == 12) { // what was read once in this run is not read again
            std::ofstream{hidden() / "document/a", std::ios::binary | std::ios::in} << "other";
        }
    }
    EXPECT_EQ(sent, all_bytes);
    std::ofstream{hidden() / "document/a", std::ios::binary | std::ios::in}
        << document.contents[0].substr(0, 5);
    ASSERT_TRUE(sink.commit()) << sink.fault().text;
    EXPECT_TRUE(listing_of(folder / "tree") == expected(document));
}

// Such a file is not opened again.
TEST_F(kept_documents, have_the_time_of_a_file_that_was_whole_but_not_closed)
{
    const auto time =
        std::chrono::sys_time<std::chrono::nanoseconds>{std::chrono::nanoseconds{1'500'000'000'123'456'789}};
    const auto tree = sample_tree(
        {sample_file("a", "whole", 0644, time.time_since_epoch().count()), sample_file("b", "other")});
    for (const bool later : {false, true}) {
        std::optional<folder_sink> sink{std::in_place, options()};
        ASSERT_TRUE(sink->preview(tree.outline));
        ASSERT_TRUE(sink->begin());
        ASSERT_FALSE(sink->open(0, 0));
        ASSERT_FALSE(sink->write(parley::as_bytes("whole")));
        sink->interrupt();
        if (later) {
            sink.emplace(options());
            ASSERT_TRUE(sink->preview(tree.outline));
        }
        EXPECT_EQ(deliver(*sink, tree).sent, 5u);
        ASSERT_TRUE(sink->commit()) << sink->fault().text;
        EXPECT_EQ(fs::last_write_time(folder / "tree/a"), std::chrono::file_clock::from_sys(time));
        fs::remove_all(folder / "tree");
    }
}

TEST_F(kept_documents, start_anew_where_the_sender_has_another_content)
{
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document, 150'000).error);
    sink.interrupt();
    auto other = document;
    other.contents[0] = random_text(100'000, 7);
    other.contents[2] = random_text(100'000, 8);
    EXPECT_EQ(deliver(sink, other).sent, all_bytes);
    sink.interrupt();
    EXPECT_EQ(deliver(sink, other).sent, 0u) << "the new digests count";
    ASSERT_TRUE(sink.commit());
    EXPECT_TRUE(listing_of(folder / "tree") == expected(other));
}

TEST_F(kept_documents, go_on_in_a_later_run)
{
    for (const std::uint64_t bytes : {1u, 99'999u, 100'000u, 150'000u, 299'999u, 300'000u}) {
        begin_and_leave(document, bytes);
        ASSERT_EQ(mode_t{0700}, static_cast<mode_t>(fs::status(hidden()).permissions()));
        EXPECT_FALSE(fs::exists(folder / "tree"));
        EXPECT_EQ(complete(document), all_bytes - bytes);
    }
}

TEST_F(kept_documents, survive_a_kill)
{
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        folder_sink sink(options());
        if (sink.preview(document.outline) && !deliver(sink, document, 210'000).error) ::raise(SIGKILL);
        ::_exit(1);
    }
    int ended = 0;
    ASSERT_EQ(::waitpid(child, &ended, 0), child);
    ASSERT_TRUE(WIFSIGNALED(ended));
    EXPECT_FALSE(fs::exists(folder / "tree"));
    EXPECT_EQ(complete(document), all_bytes - 210'000);
}

TEST_F(kept_documents, end_in_holes_too)
{
    const auto sparse = sample_tree({sample_file("zeros", std::string(500'000, '\0'))});
    begin_and_leave(sparse, 140'000);
    EXPECT_EQ(complete(sparse), 360'000u);
}

TEST_F(kept_documents, need_room_only_for_what_is_missing)
{
    begin_and_leave(document, 250'000);
    faulty_disk disk;
    disk.free_bytes = 100'000;
    {
        folder_sink sink(options());
        ASSERT_TRUE(sink.preview(document.outline)) << sink.fault().text;
        EXPECT_EQ(sink.begin()->size(), 3u);
        sink.end(false);
    }
    folder_sink sink(options());
    EXPECT_EQ(sink.preview(document.outline).error(), errc::no_room);
}

TEST_F(kept_documents, are_of_the_same_entries_only)
{
    begin_and_leave(document, 50'000);
    folder_sink sink(options());
    auto other = sample_tree({sample_file("a", random_text(100'000, 1))});
    ASSERT_TRUE(sink.preview(other.outline));
    EXPECT_TRUE(sink.begin()->empty());
    sink.end(false);
    EXPECT_EQ(folder.names().size(), 1u);
    EXPECT_EQ(complete(document), all_bytes - 50'000);
}

TEST_F(kept_documents, are_removed_where_nothing_is_to_stay)
{
    {
        folder_sink sink(options());
        ASSERT_TRUE(sink.preview(document.outline));
        ASSERT_FALSE(deliver(sink, document, 50'000).error);
        sink.end(false);
    }
    EXPECT_TRUE(folder.names().empty());
    {
        folder_sink sink(options().keep(false));
        ASSERT_TRUE(sink.preview(document.outline));
        ASSERT_FALSE(deliver(sink, document, 50'000).error);
        sink.interrupt();
        EXPECT_EQ(deliver(sink, document, 1).sent, 1u) << "in one run it goes on";
        sink.end(true);
    }
    EXPECT_TRUE(folder.names().empty());
    {
        folder_sink sink(options());
        ASSERT_TRUE(sink.preview(document.outline));
        ASSERT_TRUE(sink.begin());
    }
    EXPECT_TRUE(folder.names().empty()) << "nothing has come";
}

TEST_F(kept_documents, of_another_process_are_left_alone)
{
    folder_sink first(options());
    ASSERT_TRUE(first.preview(document.outline));
    ASSERT_FALSE(deliver(first, document, 50'000).error);
    folder_sink second(options());
    ASSERT_TRUE(second.preview(document.outline));
    EXPECT_EQ(deliver(second, document).sent, all_bytes);
    EXPECT_TRUE(second.commit());
    first.interrupt();
    EXPECT_EQ(deliver(first, document).sent, all_bytes - 50'000);
    EXPECT_EQ(first.commit().error(), errc::destination_exists);
}

TEST_F(kept_documents, that_others_may_enter_are_left_alone)
{
    begin_and_leave(document, 50'000);
    const fs::path open = hidden();
    fs::permissions(open, fs::perms::owner_all | fs::perms::group_read);
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    EXPECT_TRUE(sink.begin()->empty());
    EXPECT_TRUE(fs::exists(open / "document/a"));
}

TEST_F(kept_documents, may_hold_anything)
{
    temporary_folder outside;
    outside.write("precious", "mine");
    outside.write("directory/b", "mine");
    const auto before = listing_of(outside.path());
    begin_and_leave(document, 250'000);
    const fs::path tree = hidden() / "document";
    const auto plant = [&](const fs::path& path, const fs::path& target) {
        fs::remove_all(tree / path);
        fs::create_symlink(target, tree / path);
    };
    plant("a", outside / "precious");
    EXPECT_EQ(complete(document), 150'000u) << "a link is no part";
    begin_and_leave(document, 250'000);
    plant("d", outside / "directory");
    EXPECT_EQ(complete(document), 200'000u);
    begin_and_leave(document, 250'000);
    fs::remove(tree / "a");
    fs::create_hard_link(outside / "precious", tree / "a");
    EXPECT_EQ(complete(document), 150'000u) << "a file with another name is not written to";
    begin_and_leave(document, 250'000);
    fs::remove(tree / "a");
    ASSERT_EQ(::mkfifo((tree / "a").c_str(), 0600), 0);
    folder.write(tree / "d/b", random_text(100'001, 2));
    folder.write(tree / "unknown/file", "x");
    folder.write(tree / "d/e/zzz", "x");
    folder.write(tree / "d/a", "x");
    plant("d/l", outside / "directory");
    EXPECT_EQ(complete(document), 250'000u);
    begin_and_leave(document, 250'000);
    fs::remove_all(tree / "a");
    folder.write(tree / "a/x", "a directory in place of a file");
    fs::remove_all(tree / "d");
    folder.write(tree / "d", "a file in place of a directory");
    EXPECT_EQ(complete(document), all_bytes);
    begin_and_leave(document, 250'000);
    fs::remove_all(tree);
    fs::create_directory_symlink(outside.path(), tree);
    EXPECT_EQ(complete(document), all_bytes);
    EXPECT_EQ(listing_of(outside.path()), before);
}

// A link is planted while the sink is at work.
TEST_F(kept_documents, open_nothing_through_a_link)
{
    temporary_folder outside;
    outside.write("b", "mine");
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    ASSERT_FALSE(deliver(sink, document, 150'000).error);
    sink.interrupt();
    fs::remove(hidden() / "document/d/b");
    fs::create_symlink(outside / "b", hidden() / "document/d/b");
    EXPECT_TRUE(sink.open(2, 0));
    EXPECT_EQ(sink.fault().reason, parley::session_reason::file_failed);
    std::ifstream in(outside / "b");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine");
}

TEST_F(kept_documents, obey_the_umask_of_the_run_that_ends_them)
{
    const mode_t before = ::umask(022);
    begin_and_leave(document, 250'000);
    ::umask(077);
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(document.outline));
    EXPECT_EQ(deliver(sink, document).sent, 50'000u);
    ASSERT_TRUE(sink.commit());
    ::umask(before);
    for (const char* path : {"tree", "tree/a", "tree/d", "tree/d/b", "tree/d/e", "tree/d/e/c"}) {
        struct stat found{};
        ASSERT_EQ(::stat((folder / path).c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0077, 0u) << path;
    }
}

TEST_F(kept_documents, do_not_stay_for_ever)
{
    using clock = fs::file_time_type::clock;
    begin_and_leave(document, 50'000);
    const fs::path old = hidden();
    const auto other = sample_single("other", "x");
    const auto look = [&] {
        folder_sink sink(options());
        EXPECT_TRUE(sink.preview(other.outline));
    };
    fs::last_write_time(old, clock::now() - std::chrono::hours(6 * 24 + 23));
    look();
    EXPECT_TRUE(fs::exists(old));
    const auto parent = parley::guarded_directory::open(folder.path());
    parley::staging_area::remove_stale(*parent);
    EXPECT_TRUE(fs::exists(old)) << "a receiver of version 1 leaves it alone";
    fs::last_write_time(old, clock::now() - std::chrono::hours(7 * 24 + 1));
    {
        folder_sink user(options());
        ASSERT_TRUE(user.preview(document.outline)) << "this removes what is old";
    }
    EXPECT_FALSE(fs::exists(old));
    begin_and_leave(document, 50'000);
    EXPECT_EQ(old, hidden());
    folder_sink user(options());
    ASSERT_TRUE(user.preview(document.outline));
    fs::last_write_time(old, clock::now() - std::chrono::hours(7 * 24 + 1));
    look();
    EXPECT_TRUE(fs::exists(old)) << "somebody uses it";
}

TEST_F(kept_documents, of_a_stream_go_on_in_one_run)
{
    const auto stream =
        make_sample(parley::document_kind::stream, "tree", {sample_file("", random_text(200'000, 9))});
    folder_sink sink(options());
    ASSERT_TRUE(sink.preview(stream.outline));
    ASSERT_FALSE(deliver(sink, stream, 70'001).error);
    sink.interrupt();
    EXPECT_EQ(deliver(sink, stream, 50'000).sent, 50'000u);
    sink.interrupt();
    EXPECT_EQ(deliver(sink, stream).sent, 200'000u - 120'001u);
    ASSERT_TRUE(sink.commit());
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"tree", bytes_of(stream.contents[0])}}));
}

} // namespace
} // namespace parley_test
