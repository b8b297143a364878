#include "peer/destination.hpp"
#include "peer/interrupt.hpp"

#include "pty.hpp"
#include "scratch.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace parley::cli {
namespace {

TEST(find_destination, without_an_output_is_here)
{
    const command_result<destination> found = find_destination(std::nullopt);
    EXPECT_EQ(found->directory, ".");
    EXPECT_FALSE(found->name);
}

TEST(find_destination, takes_an_existing_directory_as_the_place)
{
    const test::scratch_folder folder;
    std::filesystem::create_directory_symlink(folder.path(), folder.path() / "link");
    for (const std::string& text :
         {folder.path().string(), folder.path().string() + "/", (folder.path() / "link").string()}) {
        const command_result<destination> found = find_destination(text);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->directory, text);
        EXPECT_FALSE(found->name);
    }
}

TEST(find_destination, takes_anything_else_as_the_documents_path)
{
    const test::scratch_folder folder;
    const command_result<destination> found = find_destination(folder.path() / "new.txt");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->directory, folder.path());
    EXPECT_EQ(found->name, "new.txt");
    EXPECT_EQ(find_destination("only-a-name")->directory, ".");
    EXPECT_EQ(find_destination("/only-a-name-below-the-root")->directory, "/");
}

TEST(find_destination, demands_that_the_directory_is_there)
{
    const test::scratch_folder folder;
    const auto file = folder.write("file", "x");
    for (const std::filesystem::path& path : {folder.path() / "absent" / "new", folder.path() / "absent/",
                                              file / "new", folder.path() / "absent" / ".."}) {
        const command_result<destination> found = find_destination(path);
        ASSERT_FALSE(found) << path;
        EXPECT_EQ(found.error().exit, exit_code::local_file);
    }
}

// What is not written is never a success, and its error is that of a file.
TEST(write_to_standard_output, tells_what_is_lost)
{
    const int saved = ::dup(STDOUT_FILENO);
    const interrupt_watch signals; // SIGPIPE is ignored
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::dup2(ends[1], STDOUT_FILENO);
    const error_code written = write_to_standard_output(as_bytes("text"));
    const error_code ended = write_to_standard_output({});
    ::close(ends[0]);
    const error_code broken = write_to_standard_output(as_bytes("text"));
    ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
    const error_code full = write_to_standard_output(as_bytes("text"));
    ::close(STDOUT_FILENO);
    const error_code absent = write_to_standard_output({});
    ::dup2(saved, STDOUT_FILENO);
    EXPECT_EQ(written, error_code{});
    EXPECT_EQ(ended, error_code{});
    EXPECT_EQ(broken, boost::system::errc::broken_pipe);
    EXPECT_EQ(full, boost::system::errc::no_space_on_device);
    EXPECT_EQ(absent, boost::system::errc::bad_file_descriptor);
    for (const error_code& error : {broken, full, absent}) EXPECT_EQ(error.category(), file_category());
}

} // namespace
} // namespace parley::cli
