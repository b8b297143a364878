#include "payload/source/unnamed_file.hpp"

#include "unit/payload/file_size_limit.hpp"
#include "unit/payload/sample_files.hpp"

#include <boost/system/errc.hpp>
#include <gtest/gtest.h>

namespace {

using namespace parley;
using namespace parley_test;
namespace sys = boost::system::errc;

TEST(UnnamedFile, KeepsWhatIsAppended)
{
    const temporary_folder folder;
    result<unnamed_file> file = unnamed_file::in(folder.path());
    ASSERT_TRUE(file);
    EXPECT_TRUE(folder.names().empty());
    const std::string content = random_text(300'000, 1);
    EXPECT_FALSE(file->append(as_bytes(content).first(100'000)));
    EXPECT_FALSE(file->append({}));
    EXPECT_FALSE(file->append(as_bytes(content).subspan(100'000)));
    EXPECT_EQ(file->size(), content.size());
    byte_vector read(150'000);
    EXPECT_FALSE(file->read_at(50'001, read));
    EXPECT_TRUE(as_text(read) == content.substr(50'001, 150'000));
    EXPECT_EQ(file->read_at(200'000, read), sys::io_error) << "past its end";
}

TEST(UnnamedFile, NeedsAFolder)
{
    const temporary_folder folder;
    EXPECT_EQ(unnamed_file::in(folder / "absent").error(), sys::no_such_file_or_directory);
    EXPECT_EQ(unnamed_file::in(folder.write("file", "")).error(), sys::not_a_directory);
}

TEST(UnnamedFile, IsAsItWasAfterAnError)
{
    const temporary_folder folder;
    result<unnamed_file> file = unnamed_file::in(folder.path());
    ASSERT_TRUE(file);
    ASSERT_FALSE(file->append(as_bytes("first")));
    const std::string more(100'000, 'x');
    {
        const file_size_limit limit(50'000);
        EXPECT_EQ(file->append(as_bytes(more)), sys::file_too_large);
    }
    EXPECT_EQ(file->size(), 5u);
    EXPECT_FALSE(file->append(as_bytes("second")));
    byte_vector read(11);
    EXPECT_FALSE(file->read_at(0, read));
    EXPECT_EQ(as_text(read), "firstsecond");
}

} // namespace
