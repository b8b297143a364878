// Creates and reads back files of tests.
#pragma once

#include "unit/payload/sample_content.hpp"

#include <parley/testing/temporary_folder.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

namespace parley_test {

using parley::testing::temporary_folder;

// The contents of a directory tree, with paths that begin with its own name: regular files with their
// content, directories without.
inline std::map<std::string, std::optional<parley::byte_vector>>
paths_on_disk(const std::filesystem::path& top)
{
    std::map<std::string, std::optional<parley::byte_vector>> out;
    const auto add = [&out, base = top.parent_path()](const std::filesystem::path& path) {
        std::optional<parley::byte_vector> content;
        if (std::filesystem::is_regular_file(path)) {
            std::ifstream in(path, std::ios::binary);
            const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
            content = bytes_of(text);
        }
        out[path.lexically_relative(base).string()] = std::move(content);
    };
    add(top);
    if (std::filesystem::is_directory(top))
        for (const auto& e : std::filesystem::recursive_directory_iterator(top)) add(e.path());
    return out;
}

} // namespace parley_test
