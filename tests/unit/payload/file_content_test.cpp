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
    auto content = file_content::open_at(open_folder(folder).get(), "f", 13);
    ASSERT_TRUE(content);
    content->begin_id();
    byte_vector first(5), second(8), none(1);
    EXPECT_FALSE(content->read(first));
    EXPECT_FALSE(content->read(second));
    EXPECT_EQ(as_text(first), "Hello");
    EXPECT_EQ(as_text(second), " World!\n");
    EXPECT_EQ(content->read(none), errc::document_changed);
    EXPECT_EQ(to_hex(content->finish_id()), "980a0d5f19a64b4b30a87d4206aade58726b60e3");
    EXPECT_FALSE(content->rewind());
    EXPECT_FALSE(content->read(first));
    EXPECT_EQ(as_text(first), "Hello");
}

TEST(FileContent, OpensOnlyWhatWasCounted)
{
    const temporary_folder folder;
    folder.write("f", "12345");
    folder.write("d/f", "12345");
    std::filesystem::create_symlink("f", folder / "link");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const descriptor top = open_folder(folder);
    EXPECT_TRUE(file_content::open_at(top.get(), "f", 5));
    EXPECT_EQ(file_content::open_at(top.get(), "f", 4).error(), errc::document_changed);
    EXPECT_EQ(file_content::open_at(top.get(), "f", 6).error(), errc::document_changed);
    EXPECT_EQ(file_content::open_at(top.get(), "gone", 5).error(), errc::document_changed);
    EXPECT_EQ(file_content::open_at(top.get(), "link", 5).error(), errc::document_changed);
    EXPECT_EQ(file_content::open_at(top.get(), "d", 5).error(), errc::document_changed);
    EXPECT_EQ(file_content::open_at(top.get(), "pipe", 0).error(), errc::document_changed);
}

TEST(FileContent, NoticesChangesAtTheEnd)
{
    const temporary_folder folder;
    const descriptor top = open_folder(folder);
    const auto path = folder / "f";
    byte_vector out(5);

    folder.write("f", "12345");
    auto shrinks = file_content::open_at(top.get(), "f", 5);
    ASSERT_TRUE(shrinks);
    std::filesystem::resize_file(path, 3);
    EXPECT_EQ(shrinks->read(out), errc::document_changed);

    folder.write("f", "12345");
    auto grows = file_content::open_at(top.get(), "f", 5);
    ASSERT_TRUE(grows);
    std::filesystem::resize_file(path, 6);
    EXPECT_FALSE(grows->read(mutable_bytes(out).first(4)));
    EXPECT_EQ(grows->read(mutable_bytes(out).first(1)), errc::document_changed);

    folder.write("f", "12345");
    auto rewritten = file_content::open_at(top.get(), "f", 5);
    ASSERT_TRUE(rewritten);
    const timespec times[2] = {{0, UTIME_OMIT}, {12345, 678}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_EQ(rewritten->read(out), errc::document_changed);

    folder.write("f", "12345");
    auto removed = file_content::open_at(top.get(), "f", 5);
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
