#include "peer/destination.hpp"

#include "pty.hpp"
#include "scratch.hpp"

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

TEST(scratch_directory, is_gone_with_all_that_is_in_it)
{
    const test::scratch_folder folder;
    {
        command_result<scratch_directory> created = scratch_directory::create();
        ASSERT_TRUE(created);
        const scratch_directory scratch = std::move(*created);
        EXPECT_EQ(std::filesystem::status(scratch.path()).permissions(), std::filesystem::perms::owner_all);
        std::ofstream{scratch.path() / "file"} << "content";
        EXPECT_EQ(folder.names().size(), 1u);
    }
    EXPECT_EQ(folder.names().size(), 0u);
    ::setenv("TMPDIR", (folder.path() / "absent").c_str(), 1);
    EXPECT_EQ(scratch_directory::create().error().exit, exit_code::local_file);
}

} // namespace
} // namespace parley::cli
