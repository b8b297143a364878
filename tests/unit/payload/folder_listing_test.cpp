#include "payload/source/folder_listing.hpp"

#include "unit/payload/sample_files.hpp"
#include "unit/payload/take_document.hpp"

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace {

using namespace parley;
using namespace parley_test;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct listed_folder {
    error_code error;
    document_fault fault;
    document_outline outline{document_kind::directory, {}, "d"};
    std::vector<std::string> entries; // "d path", "f path size", "l path -> target"
    std::vector<std::string> skipped;
    std::uint64_t skipped_count = 0;
};

std::string describe(const document_outline& outline, std::uint32_t number)
{
    const entry_list::entry e = outline.entries().at(number);
    const std::string path = outline.entries().path(number);
    if (e.kind == entry_kind::directory) return "d " + path;
    if (e.kind == entry_kind::link) return "l " + path + " -> " + std::string(e.target);
    return "f " + path + " " + std::to_string(e.size);
}

listed_folder list_folder(const fs::path& top, const std::vector<std::string>& exclude = {},
                          bool include_links = true, listing_limits limits = {}, bool stopped = false)
{
    listed_folder out;
    const descriptor fd(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_TRUE(fd);
    const exclude_patterns excluded(exclude);
    const std::atomic<bool> stop = stopped;
    const std::function<void(const skipped_path&)> on_skipped = [&out](const skipped_path& s) {
        out.skipped.push_back(s.path + ": " + s.reason);
    };
    folder_listing listing(out.outline, excluded, include_links, on_skipped, stop, limits);
    out.error = listing.add_below(fd.get(), {});
    out.fault = listing.fault();
    out.skipped_count = listing.skipped();
    for (std::uint32_t i = 0; i < out.outline.entries().size(); ++i)
        out.entries.push_back(describe(out.outline, i));
    if (!out.error) expect_receivers_take(out.outline);
    return out;
}

TEST(FolderListing, IsInTheOrderOfAnOutline)
{
    const temporary_folder folder;
    for (const char* file :
         {"a/b", "a/b-", "a/b.c/d", "a-", "a.b", "a!", "a0", "Z", ".dot", "é", "a b/x", "aa/y"})
        folder.write(file, file);
    folder.make_directory("a/b.c.d");
    EXPECT_THAT(list_folder(folder.path()).entries,
                ElementsAre("f .dot 4", "f Z 1", "d a", "f a/b 3", "f a/b- 4", "d a/b.c", "f a/b.c/d 7",
                            "d a/b.c.d", "d a b", "f a b/x 5", "f a! 2", "f a- 2", "f a.b 3", "f a0 2",
                            "d aa", "f aa/y 4", "f é 2"));
}

TEST(FolderListing, OfNothingIsEmpty)
{
    const temporary_folder folder;
    const listed_folder l = list_folder(folder.path());
    EXPECT_FALSE(l.error);
    EXPECT_THAT(l.entries, IsEmpty());
}

TEST(FolderListing, HasModesAndTimes)
{
    const temporary_folder folder;
    const auto set = [](const fs::path& path, mode_t mode, timespec modified) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const timespec times[2] = {{0, UTIME_OMIT}, modified};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    };
    set(folder.write("file", "1"), 04751, {1'234'567'890, 123'456'789});
    set(folder.write("old", "1"), 0600, {-1, 500'000'000});
    set(folder.make_directory("directory"), 01770, {5, 6});
    fs::create_symlink("file", folder / "link");
    const listed_folder l = list_folder(folder.path());
    const entry_list& e = l.outline.entries();
    ASSERT_THAT(l.entries, ElementsAre("d directory", "f file 1", "l link -> file", "f old 1"));
    EXPECT_EQ(e.at(0).mode, 0770);
    EXPECT_EQ(e.at(0).modified, 5'000'000'006);
    EXPECT_EQ(e.at(1).mode, 0751);
    EXPECT_EQ(e.at(1).modified, 1'234'567'890'123'456'789);
    EXPECT_EQ(e.at(2).mode, 0);
    EXPECT_NE(e.at(2).modified, unknown_time);
    EXPECT_EQ(e.at(3).modified, -500'000'000);
}

TEST(FolderListing, ATimeThatDoesNotFitIsUnknown)
{
    struct stat status{};
    status.st_mtim = {9'223'372'036, 854'775'807};
    EXPECT_EQ(modified_of(status), INT64_MAX);
    status.st_mtim = {9'223'372'036, 854'775'808};
    EXPECT_EQ(modified_of(status), unknown_time);
    status.st_mtim = {INT64_MAX, 0};
    EXPECT_EQ(modified_of(status), unknown_time);
    status.st_mtim = {INT64_MIN, 0};
    EXPECT_EQ(modified_of(status), unknown_time);
}

TEST(FolderListing, SkipsWhatIsNeitherFileNorDirectory)
{
    const temporary_folder folder;
    folder.write("kept", "1");
    folder.make_directory("below");
    ASSERT_EQ(::mkfifo((folder / "below/pipe").c_str(), 0600), 0);
    const descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string socket_path = folder / "socket";
    ASSERT_LT(socket_path.size(), sizeof address.sun_path);
    socket_path.copy(address.sun_path, socket_path.size());
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const listed_folder l = list_folder(folder.path());
    EXPECT_THAT(l.entries, ElementsAre("d below", "f kept 1"));
    EXPECT_THAT(l.skipped, ElementsAre("below/pipe: named pipe", "socket: socket"));
    EXPECT_EQ(l.skipped_count, 2u);
}

TEST(FolderListing, SkipsNamesThatReceiversRefuse)
{
    const temporary_folder folder;
    for (const char* name : {"new\nline", "Icon\r", "caf\xe9", "\x7f", "c1\xc2\x80"}) folder.write(name, "1");
    folder.write("bad\xff/inside", "1");
    for (const char* name : {"...", " ", "-", "CON", "a\\b", "\"", "café", "\u202e", "😀"})
        folder.write(name, "1");
    const std::string longest(255, 'n');
    folder.write(longest, "1");
    const listed_folder l = list_folder(folder.path());
    EXPECT_EQ(l.entries.size(), 10u);
    EXPECT_THAT(l.skipped, UnorderedElementsAre("new\nline: its name holds a control character",
                                                "Icon\r: its name holds a control character",
                                                "caf\xe9: its name is not valid UTF-8",
                                                "\x7f: its name holds a control character",
                                                "c1\xc2\x80: its name holds a control character",
                                                "bad\xff: its name is not valid UTF-8"));
}

TEST(FolderListing, SkipsWhatCannotBeRead)
{
    if (::geteuid() == 0) GTEST_SKIP() << "the superuser reads everything";
    const temporary_folder folder;
    folder.write("kept", "1");
    for (const char* path : {"secret", "empty secret", "closed/inside"}) folder.write(path, "");
    folder.write("secret", "1");
    for (const char* path : {"secret", "empty secret", "closed"})
        fs::permissions(folder / path, fs::perms::none);
    const listed_folder l = list_folder(folder.path());
    fs::permissions(folder / "closed", fs::perms::owner_all);
    EXPECT_THAT(l.entries, ElementsAre("f kept 1"));
    EXPECT_THAT(l.skipped,
                ElementsAre("closed: no permission to read it", "empty secret: no permission to read it",
                            "secret: no permission to read it"));
}

TEST(FolderListing, SkipsFilesWithoutATrueSize)
{
    const listed_folder l = list_folder("/proc/self/net", {"*stat*"});
    EXPECT_FALSE(l.error);
    EXPECT_THAT(l.skipped, ::testing::Contains("dev: its size is not its length"));
    // Holes are part of the length.
    const temporary_folder folder;
    ASSERT_EQ(::truncate(folder.write("sparse", "").c_str(), 1 << 30), 0);
    folder.write("empty", "");
    EXPECT_THAT(list_folder(folder.path()).entries, ElementsAre("f empty 0", "f sparse 1073741824"));
}

struct link_case {
    const char* path;
    std::string target;
    const char* reason; // empty: it travels
};

const link_case link_cases[] = {
    {"link", "file", ""},
    {"link", "absent", ""},
    {"link", "a/b/c", ""},
    {"d/link", "..", ""},
    {"d/link", "../file", ""},
    {"d/link", "file", ""},
    {"d/e/link", "../../file", ""},
    {"d/e/link", "../..", ""},
    {"link", std::string(255, 'x'), ""},
    {"link", "/etc/passwd", "symbolic link to an absolute path"},
    {"link", "..", "symbolic link that leads out of the document"},
    {"link", "../file", "symbolic link that leads out of the document"},
    {"d/link", "../../file", "symbolic link that leads out of the document"},
    {"d/e/link", "../../../file", "symbolic link that leads out of the document"},
    {"d/link", "a/../../file", "symbolic link with \"..\" after a name in its target"},
    {"d/link", "a/..", "symbolic link with \"..\" after a name in its target"},
    {"d/link", "../a/..", "symbolic link with \"..\" after a name in its target"},
    {"link", ".", "symbolic link with \".\" or an empty part in its target"},
    {"link", "./file", "symbolic link with \".\" or an empty part in its target"},
    {"link", "a//b", "symbolic link with \".\" or an empty part in its target"},
    {"link", "a/", "symbolic link with \".\" or an empty part in its target"},
    {"d/link", "../", "symbolic link with \".\" or an empty part in its target"},
    {"link", "a\nb", "symbolic link to a name that holds a control character"},
    {"link", "caf\xe9", "symbolic link to a name that is not valid UTF-8"},
    {"link", std::string(256, 'x'), "symbolic link to a name that is longer than 255 bytes"},
};

TEST(FolderListing, TakesLinksThatStayInTheDocument)
{
    for (const link_case& c : link_cases) {
        const temporary_folder folder;
        folder.make_directory("d/e");
        fs::create_symlink(c.target, folder / c.path);
        const listed_folder l = list_folder(folder.path());
        const std::string reason = c.reason;
        if (reason.empty()) {
            EXPECT_THAT(l.entries, ::testing::Contains("l " + std::string(c.path) + " -> " + c.target));
            EXPECT_THAT(l.skipped, IsEmpty());
        } else {
            EXPECT_EQ(l.outline.offer().files, 0u) << c.target;
            EXPECT_THAT(l.skipped, ElementsAre(c.path + (": " + reason)));
        }
    }
    const temporary_folder folder;
    fs::create_symlink("file", folder / "link");
    EXPECT_THAT(list_folder(folder.path(), {}, false).skipped, ElementsAre("link: symbolic link"));
}

TEST(FolderListing, ALinkIsNotFollowed)
{
    const temporary_folder folder;
    folder.write("real/inside", "1");
    fs::create_directory_symlink("real", folder / "link");
    fs::create_directory_symlink("..", folder / "real/up");
    EXPECT_THAT(list_folder(folder.path()).entries,
                ElementsAre("l link -> real", "d real", "f real/inside 1", "l real/up -> .."));
}

TEST(FolderListing, LeavesOutWhatIsExcluded)
{
    const temporary_folder folder;
    for (const char* file : {"keep.c", "drop.o", "src/drop.o", "src/keep.c", "node_modules/x/y",
                             "web/node_modules/z", "build/out", "src/build/out", "cache/x", "src/cache"})
        folder.write(file, "1");
    const listed_folder l = list_folder(folder.path(), {"*.o", "node_modules", "build/**", "cache/"});
    EXPECT_THAT(l.entries, ElementsAre("d build", "f keep.c 1", "d src", "d src/build", "f src/build/out 1",
                                       "f src/cache 1", "f src/keep.c 1", "d web"));
    EXPECT_THAT(l.skipped, IsEmpty());
    EXPECT_EQ(l.skipped_count, 0u);
}

TEST(FolderListing, GoesAsDeepAsAPathMay)
{
    const temporary_folder folder;
    fs::path deep;
    for (std::size_t i = 1; i < max_path_components; ++i) deep /= "d";
    folder.write(deep / "file", "1");
    const listed_folder l = list_folder(folder.path());
    EXPECT_EQ(l.entries.size(), max_path_components);
    EXPECT_THAT(l.skipped, IsEmpty());
    folder.write(deep / "one" / "more", "1");
    const listed_folder deeper = list_folder(folder.path());
    EXPECT_EQ(deeper.entries.size(), max_path_components + 1);
    EXPECT_THAT(deeper.skipped,
                ElementsAre((deep / "one/more").string() + ": it is in more than 127 directories"));
}

TEST(FolderListing, SkipsPathsThatAreTooLong)
{
    const temporary_folder folder;
    // A path this long cannot be made at once.
    descriptor here(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::string name(255, 'd');
    for (int i = 0; i < 16; ++i) {
        ASSERT_EQ(::mkdirat(here.get(), name.c_str(), 0700), 0);
        here = descriptor(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    // 16 * 256 bytes are 4096.
    ASSERT_EQ(::mkdirat(here.get(), "x", 0700), 0);
    const listed_folder l = list_folder(folder.path());
    EXPECT_EQ(l.entries.size(), 16u);
    ASSERT_EQ(l.skipped.size(), 1u);
    EXPECT_TRUE(l.skipped[0].ends_with("/x: its path is longer than 4096 bytes"));
}

TEST(FolderListing, EndsAtItsLimits)
{
    const temporary_folder folder;
    for (const char* file : {"a", "b", "c/d"}) folder.write(file, "");
    EXPECT_FALSE(list_folder(folder.path(), {}, true, {.entries = 4}).error);
    const listed_folder many = list_folder(folder.path(), {}, true, {.entries = 3});
    EXPECT_EQ(many.error, errc::too_many_entries);
    EXPECT_EQ(many.fault.reason, session_reason::no_space);
    EXPECT_EQ(many.fault.text, "more than 3 paths, or 268435456 bytes of them, at 'c/d'");
    const std::uint64_t bytes = list_folder(folder.path()).outline.entries_bytes();
    EXPECT_FALSE(list_folder(folder.path(), {}, true, {.bytes = bytes}).error);
    EXPECT_EQ(list_folder(folder.path(), {}, true, {.bytes = bytes - 1}).error, errc::too_many_entries);
}

TEST(FolderListing, EndsWhenStopped)
{
    const temporary_folder folder;
    folder.write("a", "");
    const listed_folder l = list_folder(folder.path(), {}, true, {}, true);
    EXPECT_EQ(l.error, errc::cancelled);
    EXPECT_EQ(l.fault.reason, session_reason::cancelled);
}

TEST(FolderListing, WithoutDescriptorsIsAnError)
{
    const temporary_folder folder;
    folder.write("d/file", "");
    const descriptor fd(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    document_outline outline(document_kind::directory, {}, "d");
    const exclude_patterns excluded;
    const std::atomic<bool> stopped = false;
    const std::function<void(const skipped_path&)> on_skipped;
    folder_listing listing(outline, excluded, true, on_skipped, stopped);
    // UndefinedBehaviorSanitizer opens a pipe when it first meets an error's category.
    for (const auto* category : {&file_category(), &boost::system::system_category()})
        EXPECT_FALSE(error_code(EMFILE, *category).message().empty());
    const int first_free = ::dup(fd.get());
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit now{static_cast<rlim_t>(first_free) + 1, before.rlim_max};
    ::close(first_free);
    ::setrlimit(RLIMIT_NOFILE, &now); // one is left, for the names in the top
    const error_code error = listing.add_below(fd.get(), {});
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(error, boost::system::errc::too_many_files_open);
    EXPECT_EQ(listing.fault().text, "'d' cannot be read: Too many open files");
}

} // namespace
