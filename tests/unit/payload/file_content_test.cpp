#include "payload/out/file_content.hpp"

#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace {

using namespace parley;
using namespace parley_test;

descriptor open_folder(const temporary_folder& folder)
{
    return descriptor(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

TEST(FileContent, ReadsAndHashes)
{
    const temporary_folder folder;
    folder.write("f", "Hello World!\n");
    auto content = file_content::open_at(open_folder(folder).get(), "f");
    ASSERT_TRUE(content);
    content->begin_id();
    byte_vector first(5), second(8), none(1);
    EXPECT_FALSE(content->read(first));
    EXPECT_FALSE(content->read(second));
    EXPECT_EQ(as_text(first), "Hello");
    EXPECT_EQ(as_text(second), " World!\n");
    EXPECT_EQ(content->read(none), errc::document_changed);
    EXPECT_EQ(to_hex(content->finish_id()), "980a0d5f19a64b4b30a87d4206aade58726b60e3");
}

TEST(FileContent, OpensRegularFilesOnly)
{
    const temporary_folder folder;
    folder.write("f", "12345");
    folder.write("d/f", "12345");
    std::filesystem::create_symlink("f", folder / "link");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const descriptor top = open_folder(folder);
    EXPECT_EQ(file_content::open_at(top.get(), "f")->size(), 5u);
    EXPECT_EQ(file_content::open_at(top.get(), "gone").error(),
              boost::system::errc::no_such_file_or_directory);
    EXPECT_EQ(file_content::open_at(top.get(), "link").error(), errc::not_a_document);
    EXPECT_EQ(file_content::open_at(top.get(), "d").error(), errc::not_a_document);
    EXPECT_EQ(file_content::open_at(top.get(), "pipe").error(), errc::not_a_document);
}

TEST(FileContent, ReadsToTheEndWhateverTheSizeSays)
{
    const temporary_folder folder;
    folder.write("f", "12345");
    const descriptor top = open_folder(folder);
    byte_vector out;
    for (const std::size_t size : {0u, 1u, 5u, 20'000u, 70'000u}) {
        folder.write("f", "12345");
        auto content = file_content::open_at(top.get(), "f");
        ASSERT_TRUE(content);
        folder.write("f", std::string(size, 'x')); // the same file: it is only written over
        ASSERT_FALSE(content->read_to_end(out, 70'000));
        EXPECT_EQ(out, bytes_of(std::string(size, 'x')));
    }
    auto longer = file_content::open_at(top.get(), "f");
    ASSERT_TRUE(longer);
    EXPECT_EQ(longer->read_to_end(out, 69'999), boost::system::errc::file_too_large);

    // A file of procfs has no size, and some give everything to one call only.
    const descriptor proc(::open("/proc/sys/kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto pid_max = file_content::open_at(proc.get(), "pid_max");
    ASSERT_TRUE(pid_max);
    EXPECT_EQ(pid_max->size(), 0u);
    ASSERT_FALSE(pid_max->read_to_end(out, 1000));
    std::string expected;
    std::getline(std::ifstream("/proc/sys/kernel/pid_max"), expected);
    EXPECT_EQ(as_text(out), expected + "\n");
}

TEST(FileContent, PeeksWithoutMoving)
{
    const temporary_folder folder;
    folder.write("f", "12345");
    auto content = file_content::open_at(open_folder(folder).get(), "f");
    ASSERT_TRUE(content);
    byte_vector few(3), many(9), all(5);
    EXPECT_EQ(*content->peek(few), 3u);
    EXPECT_EQ(*content->peek(many), 5u);
    EXPECT_EQ(as_text(few), "123");
    EXPECT_FALSE(content->read(all));
    EXPECT_EQ(as_text(all), "12345");
}

TEST(FileContent, NoticesChangesAtTheEnd)
{
    const temporary_folder folder;
    const descriptor top = open_folder(folder);
    const auto path = folder / "f";
    byte_vector out(5);

    folder.write("f", "12345");
    auto shrinks = file_content::open_at(top.get(), "f");
    ASSERT_TRUE(shrinks);
    std::filesystem::resize_file(path, 3);
    EXPECT_EQ(shrinks->read(out), errc::document_changed);

    folder.write("f", "12345");
    auto grows = file_content::open_at(top.get(), "f");
    ASSERT_TRUE(grows);
    std::filesystem::resize_file(path, 6);
    EXPECT_FALSE(grows->read(mutable_bytes(out).first(4)));
    EXPECT_EQ(grows->read(mutable_bytes(out).first(1)), errc::document_changed);

    folder.write("f", "12345");
    auto rewritten = file_content::open_at(top.get(), "f");
    ASSERT_TRUE(rewritten);
    const timespec times[2] = {{0, UTIME_OMIT}, {12345, 678}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_EQ(rewritten->read(out), errc::document_changed);

    folder.write("f", "12345");
    auto removed = file_content::open_at(top.get(), "f");
    ASSERT_TRUE(removed);
    std::filesystem::remove(path);
    EXPECT_FALSE(removed->read(out)) << "an open file stays what it was";
}

TEST(FileContent, AStreamIsOnlyWatchedForItsEnd)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    descriptor read_end(ends[0]);
    {
        const descriptor write_end(ends[1]);
        ASSERT_EQ(::write(ends[1], "1234567", 7), 7);
    }
    file_content content = file_content::stream(std::move(read_end), 10);
    byte_vector out(5);
    EXPECT_FALSE(content.read(out));
    EXPECT_EQ(as_text(out), "12345");
    EXPECT_EQ(content.read(out), errc::document_changed);
}

TEST(FileContent, ReportsWhatTheSystemSays)
{
    file_content content = file_content::stream(descriptor(), 10);
    byte_vector out(5);
    EXPECT_EQ(content.read(out), boost::system::errc::bad_file_descriptor);
}

} // namespace
