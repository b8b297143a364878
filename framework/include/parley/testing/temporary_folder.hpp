// A folder of a test's own.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

namespace parley::testing {

// Made under the system's folder for temporary files; removed with all that is in it.
class temporary_folder {
public:
    // Throws std::system_error.
    temporary_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "parley-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error{errno, std::system_category(), name};
        path_ = name;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path operator/(const std::filesystem::path& below) const { return path_ / below; }
    // The names of what is directly in it.
    std::set<std::string> names() const
    {
        std::set<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator{path_})
            out.insert(entry.path().filename().string());
        return out;
    }

    // These make the folders between, and give the whole path.
    std::filesystem::path write(const std::filesystem::path& below, std::string_view content) const
    {
        const std::filesystem::path path = path_ / below;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path, std::ios::binary} << content;
        return path;
    }
    std::filesystem::path make_directory(const std::filesystem::path& below) const
    {
        std::filesystem::create_directories(path_ / below);
        return path_ / below;
    }

private:
    std::filesystem::path path_;
};

} // namespace parley::testing
