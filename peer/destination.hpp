// Where a received document goes, from what -o says.
#pragma once

#include "peer/code_input.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace parley::cli {

struct destination {
    std::filesystem::path directory;
    std::optional<std::string> name; // instead of the offered one
};

// `output` is -o's value, none for the current directory. An existing directory is received into; anything
// else is the document's own path, whose parent is an existing directory. Errors: local_file.
command_result<destination> find_destination(const std::optional<std::string>& output);

// A new directory of this user's alone in the folder for temporary files, removed with all that is in it.
class scratch_directory {
public:
    // Errors: local_file.
    static command_result<scratch_directory> create();
    scratch_directory(scratch_directory&& other) noexcept : path_(std::move(other.path_))
    {
        other.path_.clear();
    }
    scratch_directory& operator=(scratch_directory&&) = delete;
    ~scratch_directory() { remove(); }

    const std::filesystem::path& path() const noexcept { return path_; }
    void remove() noexcept;

private:
    explicit scratch_directory(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

// Writes the file at `path`, which is in `staging`, to standard output; `staging` is removed as soon as the
// file is open. A signal ends it. Errors: local_file, interrupted; ok otherwise.
command_error copy_to_standard_output(const std::filesystem::path& path, scratch_directory& staging);

} // namespace parley::cli
