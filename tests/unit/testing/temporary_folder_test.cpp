#include <parley/testing/temporary_folder.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace parley::testing {
namespace {

TEST(temporary_folder_test, holds_what_is_written_and_goes_with_it)
{
    std::optional<temporary_folder> folder{std::in_place};
    const std::filesystem::path path = folder->path();
    EXPECT_TRUE(folder->names().empty());
    const auto file = folder->write("a/b/document", "content");
    EXPECT_EQ(file, *folder / "a/b/document");
    EXPECT_EQ(std::filesystem::file_size(file), 7u);
    EXPECT_TRUE(std::filesystem::is_directory(folder->make_directory("c/d")));
    EXPECT_EQ(folder->names(), (std::set<std::string>{"a", "c"}));
    folder.reset();
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(temporary_folder_test, no_two_are_the_same)
{
    const temporary_folder one, other;
    EXPECT_NE(one.path(), other.path());
}

} // namespace
} // namespace parley::testing
