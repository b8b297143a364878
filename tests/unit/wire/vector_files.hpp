// The recorded conversations and vectors, from $PARLEY_VECTORS if it is set, else from the repository.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace parley::test {

// Whether the cases come from a folder that the environment names.
inline bool vectors_were_chosen()
{
    const char* const chosen = std::getenv("PARLEY_VECTORS");
    return chosen != nullptr && *chosen != '\0';
}

// The folder that holds vectors/ and transcripts/.
inline std::filesystem::path vectors_root()
{
    return vectors_were_chosen() ? std::getenv("PARLEY_VECTORS") : PARLEY_TEST_DATA;
}

// By the C library: that of WebAssembly has files, the C++ library above it has none.
inline std::string read_text(const std::filesystem::path& path)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"), &std::fclose};
    if (!file) throw std::runtime_error("cannot read " + path.string());
    std::string text, piece(1 << 16, '\0');
    while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file.get()))
        text.append(piece, 0, n);
    return text;
}

inline nlohmann::json read_json(const std::filesystem::path& path)
{
    return nlohmann::json::parse(read_text(path));
}

// The .json files of one folder of the vectors, in order of their names.
inline std::vector<std::filesystem::path> json_files(const char* folder)
{
    const std::filesystem::path root = vectors_root() / folder;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory{opendir(root.c_str()), &closedir};
    if (!directory) throw std::runtime_error("cannot read " + root.string());
    std::vector<std::filesystem::path> files;
    while (const dirent* const entry = readdir(directory.get())) {
        std::filesystem::path name{entry->d_name};
        if (name.extension() == ".json") files.push_back(root / name);
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace parley::test
