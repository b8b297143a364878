#include "peer/spool.hpp"

#include "peer/interrupt.hpp"
#include "pty.hpp"
#include "scratch.hpp"

#include <csignal>
#include <thread>

namespace parley::cli {
namespace {

TEST(spool, keeps_the_whole_stream_in_a_file_without_a_name)
{
    const test::scratch_folder folder;
    test::pipe_ends pipe;
    std::string content(3'000'000, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 1000);
    std::thread writer{[&] {
        for (std::size_t at = 0; at < content.size();) {
            const std::size_t piece = std::min<std::size_t>(content.size() - at, 30'011);
            pipe.put(std::string_view{content}.substr(at, piece));
            at += piece;
        }
        pipe.finish();
    }};
    result<spooled_file> file = spool(pipe.reading());
    writer.join();
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size, content.size());
    EXPECT_EQ(folder.names().size(), 0u);
    const int descriptor = file->file.release();
    std::string read(content.size() + 1, '\0');
    std::size_t size = 0;
    for (ssize_t count = 1; count > 0; size += static_cast<std::size_t>(count))
        count = ::read(descriptor, read.data() + size, read.size() - size);
    ::close(descriptor);
    read.resize(size);
    EXPECT_TRUE(read == content);
}

TEST(spool, of_nothing_is_an_empty_file)
{
    const test::scratch_folder folder;
    test::pipe_ends pipe;
    pipe.finish();
    const result<spooled_file> file = spool(pipe.reading());
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size, 0u);
}

TEST(spool, is_ended_by_a_signal)
{
    const test::scratch_folder folder;
    const interrupt_watch watch;
    const test::pipe_ends pipe;
    pipe.put("some");
    ::raise(SIGTERM);
    EXPECT_EQ(spool(pipe.reading()).error(), errc::cancelled);
    EXPECT_EQ(folder.names().size(), 0u);
}

TEST(spool, says_that_there_is_no_folder_for_it)
{
    const test::scratch_folder folder;
    ::setenv("TMPDIR", (folder.path() / "absent").c_str(), 1);
    const test::pipe_ends pipe;
    EXPECT_EQ(spool(pipe.reading()).error(), boost::system::errc::no_such_file_or_directory);
}

} // namespace
} // namespace parley::cli
