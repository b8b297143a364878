// A folder of a test's own, made the folder for temporary files while it lives.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace parley::cli::test {

class scratch_folder {
public:
    scratch_folder()
    {
        std::string path = ::testing::TempDir() + "/parley-test-XXXXXX";
        EXPECT_NE(::mkdtemp(path.data()), nullptr);
        path_ = path;
        ::setenv("TMPDIR", path.c_str(), 1);
    }
    ~scratch_folder()
    {
        ::unsetenv("TMPDIR");
        std::filesystem::remove_all(path_);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, std::string_view content) const
    {
        std::ofstream{path_ / name, std::ios::binary} << content;
        return path_ / name;
    }
    std::size_t entries() const
    {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{path_}, {}));
    }

private:
    std::filesystem::path path_;
};

} // namespace parley::cli::test
