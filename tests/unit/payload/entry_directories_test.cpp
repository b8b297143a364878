#include "payload/sink/entry_directories.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/sample_document.hpp"

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::entry_directories;
using parley::guarded_directory;
namespace fs = std::filesystem;

// More directories, side by side and in each other, than are kept open.
TEST(entry_directories, are_found_again_in_any_order)
{
    temporary_folder folder;
    std::vector<sample_entry> entries;
    for (const std::string top : {"a", "b"}) {
        std::string path = top;
        for (int depth = 0; depth < 60; ++depth, path += "/" + top) {
            entries.push_back(sample_directory(path));
            fs::create_directories(folder / path);
        }
    }
    const auto document = sample_tree(std::move(entries));
    const auto root = *guarded_directory::open(folder.path());
    entry_directories directories(document.outline->entries(), root);
    std::mt19937 random(1);
    for (int round = 0; round < 1000; ++round) {
        const auto number = static_cast<std::uint32_t>(random() % 120);
        const auto opened = directories.open(number);
        ASSERT_TRUE(opened);
        const auto& list = document.outline->entries();
        const auto above = guarded_directory::open((folder / list.path(number)).parent_path());
        EXPECT_TRUE((*opened)->is_named(*above, list.at(number).name)) << list.path(number);
    }
    EXPECT_EQ(*directories.open(parley::top_entry), &root);
}

TEST(entry_directories, are_never_behind_a_link)
{
    temporary_folder folder;
    const auto document =
        sample_tree({sample_directory("a"), sample_directory("a/b"), sample_directory("c")});
    fs::create_directories(folder / "real/b");
    fs::create_directory_symlink("real", folder / "a");
    const auto root = *guarded_directory::open(folder.path());
    entry_directories directories(document.outline->entries(), root);
    EXPECT_EQ(directories.open(0).error(), boost::system::errc::not_a_directory);
    EXPECT_EQ(directories.open(1).error(), boost::system::errc::not_a_directory);
    EXPECT_EQ(directories.open(2).error(), boost::system::errc::no_such_file_or_directory);
}

} // namespace
} // namespace parley_test
