#include "payload/disk/guarded_directory.hpp"
#include "unit/payload/name_corpus.hpp"
#include "unit/payload/push_document.hpp"

#include <gtest/gtest.h>

#include <array>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace parley_test {
namespace {

using parley::as_bytes;
using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::guarded_file;
using move_method = guarded_directory::move_method;
namespace fs = std::filesystem;
namespace system_errc = boost::system::errc;

class guarded : public ::testing::Test {
protected:
    guarded() : directory(*guarded_directory::open(folder.path())) {}

    temporary_folder folder;
    guarded_directory directory;
};

TEST_F(guarded, makes_files_and_directories_below_itself)
{
    auto file = directory.make_file("file");
    ASSERT_TRUE(file);
    ASSERT_FALSE(file->append(as_bytes("one ")));
    ASSERT_FALSE(file->append(as_bytes("two")));
    EXPECT_EQ(file->size(), 7u);
    auto below = directory.make_directory("below");
    ASSERT_TRUE(below);
    ASSERT_TRUE(below->make_file("empty"));
    ASSERT_FALSE(below->make_empty_directory("none", 0700));
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"file", bytes_of("one two")},
                                                       {"below", {}},
                                                       {"below/empty", bytes_of("")},
                                                       {"below/none", {}}}));
    EXPECT_EQ(fs::status(folder / "below/none").permissions(), fs::perms::owner_all);
}

TEST_F(guarded, tells_when_what_was_written_does_not_reach_the_disk)
{
    parley::guarded_file full{parley::descriptor{::open("/dev/full", O_RDWR | O_CLOEXEC)}};
    ASSERT_TRUE(full);
    const error_code error = full.append(as_bytes("x"));
    EXPECT_EQ(error, system_errc::no_space_on_device);
    EXPECT_EQ(error.category(), parley::file_category());
    auto file = directory.make_file("file");
    ASSERT_FALSE(file->append(as_bytes("x")));
    EXPECT_EQ(file->close(), error_code());
    EXPECT_EQ(file->close(), error_code()) << "once is enough";
    EXPECT_EQ(file->append(as_bytes("x")), system_errc::bad_file_descriptor);
}

TEST_F(guarded, reads_back_from_anywhere)
{
    auto file = directory.make_file("file");
    ASSERT_FALSE(file->append(as_bytes("0123456789")));
    const auto again = directory.open_file("file");
    ASSERT_TRUE(again);
    parley::byte buffer[4];
    ASSERT_FALSE(again->read_at(3, buffer));
    EXPECT_EQ(parley::as_text(buffer), "3456");
    EXPECT_EQ(again->read_at(8, buffer), system_errc::io_error) << "two bytes are no four";
}

TEST_F(guarded, copies_a_file_of_any_size)
{
    const std::string content = random_text(300'001, 1);
    auto from = directory.make_file("from");
    ASSERT_FALSE(from->append(as_bytes(content)));
    auto to = directory.make_file("to");
    ASSERT_FALSE(to->append(as_bytes("before ")));
    ASSERT_FALSE(to->append_copy(*from, content.size()));
    EXPECT_EQ(to->size(), content.size() + 7);
    EXPECT_TRUE(listing_of(folder.path()).at("to") == bytes_of("before " + content));
    auto more = directory.make_file("more");
    EXPECT_EQ(more->append_copy(*from, content.size() + 1), system_errc::io_error)
        << "a source that is too short";
}

// The bytes that a file takes on the disk.
std::uint64_t disk_bytes(const fs::path& path)
{
    struct stat is{};
    EXPECT_EQ(::stat(path.c_str(), &is), 0);
    return static_cast<std::uint64_t>(is.st_blocks) * 512;
}

TEST_F(guarded, leaves_holes_where_zeros_are)
{
    const std::string zeros(1u << 20, '\0');
    std::vector<std::string> contents{zeros,
                                      "x" + zeros,
                                      zeros + "x",
                                      zeros + "x" + zeros,
                                      "x" + zeros + "y",
                                      std::string(100, '\0'),
                                      std::string(16'383, '\0'),
                                      ""};
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937 random(seed);
        std::string content;
        while (content.size() < 300'000)
            content +=
                random() % 2 == 0 ? std::string(random() % 50'000, '\0') : random_text(random() % 9000, seed);
        contents.push_back(content);
    }
    for (std::size_t number = 0; number < contents.size(); ++number) {
        SCOPED_TRACE(number);
        const std::string& content = contents[number];
        for (const std::size_t step : {32'767u, 65'536u, 5'000'000u}) {
            auto file = directory.make_file("sparse");
            ASSERT_TRUE(file);
            for (std::size_t at = 0; at < content.size(); at += step)
                ASSERT_FALSE(file->append_sparse(as_bytes(std::string_view(content).substr(at, step))));
            ASSERT_FALSE(file->end_holes());
            EXPECT_EQ(file->size(), content.size());
            auto copy = directory.make_file("copy");
            ASSERT_TRUE(copy);
            ASSERT_FALSE(copy->append(as_bytes("before")));
            ASSERT_FALSE(copy->append_copy(*directory.open_file("sparse"), content.size()));
            const auto found = listing_of(folder.path());
            EXPECT_TRUE(found.at("sparse") == bytes_of(content));
            EXPECT_TRUE(found.at("copy") == bytes_of("before" + content));
            if (content.size() > zeros.size()) {
                EXPECT_LT(disk_bytes(folder / "sparse"), 100'000u);
                EXPECT_LT(disk_bytes(folder / "copy"), 100'000u);
            }
            ASSERT_FALSE(directory.remove_file("sparse"));
            ASSERT_FALSE(directory.remove_file("copy"));
        }
    }
}

TEST_F(guarded, never_opens_or_replaces_what_is_there)
{
    folder.write("file", "mine");
    folder.write("directory/file", "mine");
    folder.write("target", "mine");
    fs::create_symlink("target", folder / "link");
    fs::create_symlink("nowhere", folder / "dangling");
    fs::create_directory_symlink("directory", folder / "link-to-directory");
    const auto before = listing_of(folder.path());
    for (const char* taken : {"file", "directory", "link", "dangling", "link-to-directory"}) {
        EXPECT_EQ(directory.make_file(taken).error(), errc::destination_exists) << taken;
        EXPECT_EQ(directory.make_directory(taken).error(), errc::destination_exists) << taken;
        EXPECT_EQ(directory.require_absent(taken), errc::destination_exists) << taken;
    }
    EXPECT_EQ(directory.require_absent("absent"), error_code());
    for (const char* link : {"link", "dangling"})
        EXPECT_EQ(directory.open_file(link).error(), system_errc::too_many_symbolic_link_levels) << link;
    EXPECT_EQ(directory.open_directory("link-to-directory").error(), system_errc::not_a_directory);
    EXPECT_EQ(directory.open_directory("file").error(), system_errc::not_a_directory);
    EXPECT_EQ(listing_of(folder.path()), before);
    EXPECT_FALSE(fs::exists(folder / "nowhere"));
}

// Every function that takes a name checks it.
TEST_F(guarded, takes_no_hostile_name_for_anything)
{
    folder.write("into/x", "mine");
    const auto into = directory.open_directory("into");
    ASSERT_TRUE(into);
    const auto before = listing_of(folder.path());
    for (const auto& [name, why] : corpus_names("refused")) {
        EXPECT_EQ(into->make_file(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->make_directory(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->make_empty_directory(name), errc::hostile_name) << why;
        EXPECT_EQ(into->open_file(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->open_directory(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->open_file_to_continue(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->make_link(name, "x"), errc::hostile_name) << why;
        EXPECT_EQ(into->look_at(name).error(), errc::hostile_name) << why;
        EXPECT_EQ(into->replace("x", *into, name), errc::hostile_name) << why;
        EXPECT_EQ(into->replace(name, *into, "y"), errc::hostile_name) << why;
        EXPECT_EQ(into->remove(name), errc::hostile_name) << why;
        EXPECT_EQ(into->name_on_disk(name), name) << why;
        into->set_modified(name, 1);
        EXPECT_EQ(into->require_absent(name), errc::hostile_name) << why;
        EXPECT_EQ(into->move("x", *into, name), errc::hostile_name) << why;
        EXPECT_EQ(into->move(name, *into, "y"), errc::hostile_name) << why;
        EXPECT_EQ(into->link("x", *into, name), errc::hostile_name) << why;
        EXPECT_EQ(into->link(name, *into, "y"), errc::hostile_name) << why;
        EXPECT_EQ(into->remove_file(name), errc::hostile_name) << why;
        EXPECT_EQ(into->remove_directory(name), errc::hostile_name) << why;
        EXPECT_EQ(into->remove_empty_directory(name), errc::hostile_name) << why;
        EXPECT_FALSE(into->is_named(directory, name)) << why;
    }
    EXPECT_EQ(listing_of(folder.path()), before);
}

TEST_F(guarded, continues_a_file)
{
    folder.write("file", "0123456789");
    {
        auto file = directory.open_file_to_continue("file");
        ASSERT_TRUE(file);
        ASSERT_FALSE(file->continue_at(4));
        ASSERT_FALSE(file->append(as_bytes("x")));
        EXPECT_EQ(file->size(), 5u);
        file->set_modified(-1);
    }
    EXPECT_EQ(listing_of(folder.path()).at("file"), bytes_of("0123x"));
    struct stat found{};
    ASSERT_EQ(::stat((folder / "file").c_str(), &found), 0);
    EXPECT_EQ(found.st_mtim.tv_sec, -1);
    EXPECT_EQ(found.st_mtim.tv_nsec, 999'999'999);
    fs::create_hard_link(folder / "file", folder / "again");
    fs::create_symlink("file", folder / "link");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(directory.open_file_to_continue("file").error(), system_errc::io_error);
    EXPECT_EQ(directory.open_file_to_continue("link").error(), system_errc::too_many_symbolic_link_levels);
    EXPECT_EQ(directory.open_file_to_continue("pipe").error(), system_errc::io_error);
}

TEST_F(guarded, replaces_files_and_links_alone)
{
    folder.write("new", "new");
    folder.write("to/file", "old");
    folder.write("to/directory/x", "mine");
    fs::create_directory(folder / "to/empty");
    folder.write("target", "mine");
    fs::create_symlink("../target", folder / "to/link");
    const auto to = directory.open_directory("to");
    for (const char* name : {"directory", "empty"})
        EXPECT_EQ(directory.replace("new", *to, name), errc::destination_exists) << name;
    EXPECT_EQ(directory.replace("absent", *to, "file"), system_errc::no_such_file_or_directory);
    for (const char* name : {"file", "link", "absent"}) {
        folder.write("new", "new");
        EXPECT_EQ(directory.replace("new", *to, name), error_code()) << name;
        EXPECT_EQ(listing_of(folder.path()).at(std::string("to/") + name), bytes_of("new"));
        EXPECT_FALSE(fs::exists(folder / "new"));
    }
    EXPECT_EQ(listing_of(folder.path()).at("target"), bytes_of("mine"));
}

TEST_F(guarded, looks_at_what_is_there)
{
    using node_kind = guarded_directory::node_kind;
    folder.write("file", "12345");
    fs::permissions(folder / "file", fs::perms::owner_read);
    fs::create_directory(folder / "directory");
    ASSERT_FALSE(directory.make_link("link", "no where/../at all"));
    EXPECT_EQ(directory.make_link("link", "x"), errc::destination_exists);
    EXPECT_EQ(fs::read_symlink(folder / "link"), "no where/../at all");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(directory.look_at("file")->kind, node_kind::file);
    EXPECT_EQ(directory.look_at("file")->size, 5u);
    EXPECT_EQ(directory.look_at("file")->mode, 0400u);
    EXPECT_TRUE(directory.look_at("file")->is_own);
    EXPECT_EQ(directory.look_at("directory")->kind, node_kind::directory);
    EXPECT_TRUE(directory.look_at("directory")->is_own);
    EXPECT_EQ(directory.look_at("link")->kind, node_kind::link);
    EXPECT_EQ(directory.look_at("pipe")->kind, node_kind::other);
    EXPECT_EQ(directory.look_at("absent").error(), system_errc::no_such_file_or_directory);
    EXPECT_EQ(directory.name_on_disk("file"), "file");
    fs::create_hard_link(folder / "file", folder / "again");
    EXPECT_FALSE(directory.look_at("file")->is_own);
    for (const char* name : {"file", "again", "directory", "link", "pipe"})
        EXPECT_EQ(directory.remove(name), error_code()) << name;
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

class guarded_move : public guarded, public ::testing::WithParamInterface<move_method> {};

TEST_P(guarded_move, gives_files_and_directories_another_place)
{
    folder.write("file", "1");
    folder.write("tree/a/b", "2");
    const auto to = directory.make_directory("to");
    ASSERT_TRUE(to);
    EXPECT_EQ(directory.move("file", *to, "renamed", GetParam()), error_code());
    EXPECT_EQ(directory.move("tree", *to, "tree", GetParam()), error_code());
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"to", {}},
                                                       {"to/renamed", bytes_of("1")},
                                                       {"to/tree", {}},
                                                       {"to/tree/a", {}},
                                                       {"to/tree/a/b", bytes_of("2")}}));
}

TEST_P(guarded_move, never_overwrites)
{
    folder.write("file", "new");
    folder.write("tree/new", "new");
    folder.write("to/file", "mine");
    fs::create_directory(folder / "to/empty");
    folder.write("to/full/x", "mine");
    fs::create_symlink("nowhere", folder / "to/dangling");
    const auto before = listing_of(folder.path());
    const auto to = directory.open_directory("to");
    for (const char* taken : {"file", "empty", "full", "dangling"})
        for (const char* moved : {"file", "tree"})
            EXPECT_EQ(directory.move(moved, *to, taken, GetParam()), errc::destination_exists)
                << moved << " to " << taken;
    EXPECT_EQ(directory.move("absent", *to, "x", GetParam()), system_errc::no_such_file_or_directory);
    EXPECT_EQ(listing_of(folder.path()), before);
}

std::string name_of(const ::testing::TestParamInfo<move_method>& info)
{
    constexpr std::array names{"no_replace", "link", "own"};
    return names.at(static_cast<std::size_t>(info.param));
}

INSTANTIATE_TEST_SUITE_P(methods, guarded_move,
                         ::testing::Values(move_method::no_replace, move_method::link, move_method::own),
                         name_of);

TEST_F(guarded, removes_a_tree_and_follows_no_link)
{
    folder.write("outside/precious", "mine");
    folder.write("tree/a/b/c/d", "x");
    folder.write("tree/a/e", "x");
    folder.write("tree/removed-0", "a name that removal itself uses");
    fs::create_directories(folder / "tree/removed-1/f/g");
    fs::create_directory_symlink(folder / "outside", folder / "tree/a/link");
    fs::create_directory_symlink(folder / "outside", folder / "tree/link");
    EXPECT_EQ(directory.remove_directory("tree"), error_code());
    EXPECT_EQ(listing_of(folder.path()),
              (disk_listing{{"outside", {}}, {"outside/precious", bytes_of("mine")}}));
    EXPECT_EQ(directory.remove_directory("tree"), error_code()) << "what is gone is gone";
    fs::create_directory_symlink("outside", folder / "link");
    EXPECT_NE(directory.remove_directory("link"), error_code());
    EXPECT_TRUE(fs::exists(folder / "outside/precious"));
}

TEST_F(guarded, removes_what_is_in_it_when_nothing_more_can_be_opened)
{
    folder.write("d/file", "x");
    fs::create_directories(folder / "d/empty");
    fs::create_symlink("nowhere", folder / "d/link");
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    auto opened = directory.open_directory("d");
    // UndefinedBehaviorSanitizer opens a pipe when it first meets an error's category.
    EXPECT_NE(directory.open_directory("absent").error(), system_errc::too_many_files_open);
    rlimit none = limit;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const error_code error = directory.remove_directory("d");
    opened->remove_contents();
    ::setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(error, system_errc::too_many_files_open);
    EXPECT_TRUE(fs::is_empty(folder / "d"));
    EXPECT_EQ(directory.remove_empty_directory("d"), error_code());
}

TEST_F(guarded, removes_a_tree_deeper_than_any_path_or_number_of_descriptors)
{
    int fd = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth < 1200; ++depth) {
        ASSERT_EQ(::mkdirat(fd, "deep", 0700), 0);
        const int next = ::openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ::close(fd);
        fd = next;
        ASSERT_GE(fd, 0);
    }
    ::close(fd);
    EXPECT_EQ(directory.remove_directory("deep"), error_code());
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(guarded, a_tree_that_cannot_go_ends_in_an_error_not_in_a_loop)
{
    if (::geteuid() == 0) GTEST_SKIP() << "the superuser may remove anything";
    folder.write("tree/locked/x", "1");
    fs::permissions(folder / "tree/locked", fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_NE(directory.remove_directory("tree"), error_code());
    fs::permissions(folder / "tree/locked", fs::perms::owner_all);
}

TEST_F(guarded, locks_name_and_owner_are_told_apart)
{
    const auto made = directory.make_directory("d", 0700);
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->is_private());
    EXPECT_TRUE(made->is_named(directory, "d"));
    EXPECT_FALSE(made->is_named(directory, "e"));
    fs::create_directory_symlink("d", folder / "link");
    EXPECT_FALSE(made->is_named(directory, "link"));
    EXPECT_FALSE(made->is_replaced(directory, "d"));
    EXPECT_FALSE(made->is_replaced(directory, "e")) << "nothing is not something else";
    EXPECT_TRUE(made->is_replaced(directory, "link"));
    const auto again = directory.open_directory("d");
    EXPECT_EQ(made->lock(), guarded_directory::lock_state::taken);
    EXPECT_EQ(again->lock(), guarded_directory::lock_state::held_by_another);
    fs::permissions(folder / "d", fs::perms::owner_all | fs::perms::others_exec);
    EXPECT_FALSE(made->is_private());
}

TEST_F(guarded, lists_names_and_free_space)
{
    for (const char* name : {"a-1-z", "a-2-z", "b-1-z", "a-3"}) folder.write(name, "");
    auto names = directory.names("a-", "-z");
    ASSERT_TRUE(names);
    std::sort(names->begin(), names->end());
    EXPECT_EQ(*names, (std::vector<std::string>{"a-1-z", "a-2-z"}));
    EXPECT_EQ(directory.names("a-", "-z")->size(), 2u) << "and again";
    const auto space = directory.free_space();
    EXPECT_GT(space.free_bytes, 0u);
    EXPECT_GE(space.total_bytes, space.free_bytes);
    EXPECT_GE(space.block_bytes, 1u);
    // /proc tells no size: it is taken for a file system that only refuses when it is full.
    const auto without_size = guarded_directory::open("/proc")->free_space();
    EXPECT_EQ(without_size.free_bytes, UINT64_MAX);
    EXPECT_EQ(without_size.free_inodes, UINT64_MAX);
}

// No other file of the receiving half creates, moves or removes anything: it is enough to review
// guarded_directory.cpp and guarded_file.cpp.
TEST(GuardedSources, no_other_source_touches_the_disk)
{
    const fs::path sources = fs::path(PARLEY_TEST_DATA).parent_path().parent_path() / "framework/src/payload";
    const char* const forbidden[] = {"mkdir",
                                     "renameat",
                                     "rename(",
                                     "unlink",
                                     "symlink",
                                     "::linkat",
                                     "O_CREAT",
                                     "O_WRONLY",
                                     "O_RDWR",
                                     "creat(",
                                     "ftruncate",
                                     "rmdir",
                                     "mknod",
                                     "fopen",
                                     "ofstream",
                                     "fstream>",
                                     "std::filesystem::remove",
                                     "create_director",
                                     "copy_file",
                                     "pwrite",
                                     " ::write("};
    int seen = 0;
    for (const auto& entry : fs::recursive_directory_iterator(sources)) {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
        // The last one is for files of this side that have no name.
        if (name == "guarded_directory.cpp" || name == "guarded_file.cpp" || name == "unnamed_file.cpp") continue;
        ++seen;
        std::ifstream in(entry.path());
        std::string line;
        for (int number = 1; std::getline(in, line); ++number) {
            const std::string code = line.substr(0, line.find("//"));
            for (const char* word : forbidden)
                EXPECT_EQ(code.find(word), std::string::npos) << name << ":" << number << ": " << word;
        }
    }
    EXPECT_GT(seen, 20);
}

} // namespace
} // namespace parley_test
