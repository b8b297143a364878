#include "payload/out/document_walk.hpp"

#include "unit/payload/sample_files.hpp"

#include <parley/base/descriptor.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace {

using namespace parley;
using namespace parley_test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct walked {
    error_code error;
    std::string error_path;
    std::vector<std::string> steps; // "name size", "name/", ".."
    std::vector<std::string> skipped;
    std::uint64_t files = 0, directories = 0, content_bytes = 0;
    std::size_t arena_bytes = 0;
};

walked walk(const std::filesystem::path& top)
{
    walked out;
    const descriptor fd(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_TRUE(fd);
    const auto on_skipped = [&out](const skipped_path& s) {
        out.skipped.push_back(s.path + ": " + s.reason);
    };
    result<document_walk> w = document_walk::of(fd.get(), on_skipped, out.error_path);
    if (!w) {
        out.error = w.error();
        return out;
    }
    out.files = w->file_count();
    out.directories = w->directory_count();
    out.content_bytes = w->content_bytes();
    out.arena_bytes = w->arena_bytes();
    while (const auto step = w->next()) {
        switch (step->what) {
        case walk_step::kind::file:
            out.steps.push_back(std::string(step->name) + " " + std::to_string(step->size));
            break;
        case walk_step::kind::directory:
            out.steps.push_back(std::string(step->name) + "/");
            break;
        case walk_step::kind::end:
            out.steps.push_back("..");
            break;
        }
    }
    EXPECT_FALSE(w->next());
    return out;
}

TEST(DocumentWalk, AnEmptyDirectoryIsJustItsEnd)
{
    const temporary_folder folder;
    const walked w = walk(folder.path());
    EXPECT_THAT(w.steps, ElementsAre(".."));
    EXPECT_EQ(w.files, 0u);
    EXPECT_EQ(w.directories, 1u);
    EXPECT_EQ(w.content_bytes, 0u);
}

TEST(DocumentWalk, GoesDepthFirstInTheOrderOfTrees)
{
    const temporary_folder folder;
    folder.write("a.b", "12");
    folder.write("a0", "");
    folder.write("a/z", "1");
    folder.write("a/b/deep", "12345");
    folder.make_directory("empty");
    folder.write(".dot", "123");
    folder.write(".config/x", "1234");
    folder.write("Z", std::string(300, 'x'));
    const walked w = walk(folder.path());
    // "a.b" < "a/" < "a0" in the order of bytes.
    EXPECT_THAT(w.steps, ElementsAre(".config/", "x 4", "..", ".dot 3", "Z 300", "a.b 2", "a/", "b/",
                                     "deep 5", "..", "z 1", "..", "a0 0", "empty/", "..", ".."));
    EXPECT_EQ(w.files, 7u);
    EXPECT_EQ(w.directories, 5u);
    EXPECT_EQ(w.content_bytes, 315u);
    EXPECT_THAT(w.skipped, IsEmpty());
}

TEST(DocumentWalk, ReportsWhatDoesNotTravel)
{
    const temporary_folder folder;
    folder.write("kept", "1");
    folder.write("below/kept", "1");
    std::filesystem::create_symlink("kept", folder / "link");
    std::filesystem::create_symlink("nowhere", folder / "below/dangling");
    std::filesystem::create_directory_symlink("below", folder / "linked-directory");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string socket_path = folder / "socket";
    ASSERT_LT(socket_path.size(), sizeof address.sun_path);
    socket_path.copy(address.sun_path, socket_path.size());
    ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

    const walked w = walk(folder.path());
    EXPECT_THAT(w.steps, ElementsAre("below/", "kept 1", "..", "kept 1", ".."));
    EXPECT_THAT(w.skipped, UnorderedElementsAre("link: symbolic link", "below/dangling: symbolic link",
                                                "linked-directory: symbolic link", "pipe: named pipe",
                                                "socket: socket"));
    EXPECT_EQ(w.files, 2u);
    EXPECT_EQ(w.directories, 2u);
}

// The receiver's file system judges names.
TEST(DocumentWalk, TakesEveryNameThatThisFileSystemHolds)
{
    const temporary_folder folder;
    for (const char* name :
         {"new\nline", "Icon\r", "srv-my\\x2ddata.mount", "CON", "aux.txt", "caf\xe9", "...", "Makefile",
          "makefile", "caf\xc3\xa9", "cafe\xcc\x81", "invoice\xe2\x80\x8e.pdf"})
        folder.write(name, "1");
    folder.make_directory("nul/inside");
    const walked w = walk(folder.path());
    EXPECT_THAT(w.skipped, IsEmpty());
    EXPECT_EQ(w.files, 12u);
    EXPECT_EQ(w.directories, 3u);
}

TEST(DocumentWalk, EndsWhenItsTimeIsOver)
{
    const temporary_folder folder;
    folder.write("f", "1");
    const descriptor fd(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::string error_path;
    EXPECT_EQ(document_walk::of(fd.get(), {}, error_path, clock::now()).error(), errc::timed_out);
    EXPECT_TRUE(document_walk::of(fd.get(), {}, error_path, clock::now() + std::chrono::hours(1)));
    const std::atomic<bool> stopped = true;
    EXPECT_EQ(document_walk::of(fd.get(), {}, error_path, no_deadline, &stopped).error(), errc::cancelled);
}

TEST(DocumentWalk, ReportsWhatCannotBeRead)
{
    if (::geteuid() == 0) GTEST_SKIP() << "the superuser reads everything";
    const temporary_folder folder;
    folder.write("kept", "1");
    folder.write("secret", "1");
    folder.write("closed/inside", "1");
    std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
    std::filesystem::permissions(folder / "closed", std::filesystem::perms::none);
    const walked w = walk(folder.path());
    std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_all);
    EXPECT_THAT(w.steps, ElementsAre("kept 1", ".."));
    EXPECT_EQ(w.skipped.size(), 2u);
}

TEST(DocumentWalk, GoesAsDeepAsAReceiverDoes)
{
    const temporary_folder folder;
    std::filesystem::path deep;
    for (std::size_t i = 1; i < max_walk_depth; ++i) deep /= "d";
    folder.write(deep / "file", "1");
    const walked w = walk(folder.path());
    EXPECT_FALSE(w.error);
    EXPECT_EQ(w.directories, max_walk_depth);

    folder.make_directory(deep / "one-more");
    const walked too_deep = walk(folder.path());
    EXPECT_EQ(too_deep.error, errc::tree_too_deep);
    EXPECT_EQ(too_deep.error_path, (deep / "one-more").string());
}

TEST(DocumentWalk, KeepsEverySizeAndName)
{
    const temporary_folder folder;
    const std::uint64_t sizes[] = {
        0, 1, 127, 128, 16'383, 16'384, (1ull << 32) - 1, 1ull << 32, (1ull << 40) + 5};
    for (const std::uint64_t size : sizes) {
        const auto path = folder.write("f" + std::to_string(size), "");
        ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(size)), 0);
    }
    const std::string longest(255, 'n');
    folder.write(longest, "1");
    folder.write("\xe6\xbc\xa2\xe5\xad\x97", "1");
    std::vector<std::string> expected{longest + " 1", "\xe6\xbc\xa2\xe5\xad\x97 1", ".."};
    for (const std::uint64_t size : sizes)
        expected.push_back("f" + std::to_string(size) + " " + std::to_string(size));
    EXPECT_THAT(walk(folder.path()).steps, ::testing::UnorderedElementsAreArray(expected));
}

TEST(DocumentWalk, TenThousandFilesTakeLittle)
{
    const temporary_folder folder;
    for (int d = 0; d < 10; ++d)
        for (int f = 0; f < 1000; ++f)
            folder.write("directory" + std::to_string(d) + "/file-" + std::to_string(1000 + f), "x");
    const walked w = walk(folder.path());
    EXPECT_EQ(w.files, 10'000u);
    EXPECT_EQ(w.directories, 11u);
    EXPECT_EQ(w.steps.size(), 10'021u);
    EXPECT_TRUE(std::is_sorted(w.steps.begin() + 1, w.steps.begin() + 1001));
    EXPECT_LE(w.arena_bytes, 200'000u);
}

} // namespace
