// The recorded conversations and vectors, from $PARLEY_VECTORS if it is set, else from the repository.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace parley::test {

inline std::filesystem::path vectors_root()
{
    const char* chosen = std::getenv("PARLEY_VECTORS");
    return chosen != nullptr && *chosen != '\0' ? chosen : PARLEY_TEST_DATA;
}

inline nlohmann::json read_json(const std::filesystem::path& path)
{
    std::ifstream file{path};
    return nlohmann::json::parse(file);
}

// The .json files of one folder of the vectors, in order of their names.
inline std::vector<std::filesystem::path> json_files(const char* folder)
{
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{vectors_root() / folder})
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace parley::test
