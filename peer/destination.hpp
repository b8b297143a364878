// Finds the place of a received document from the value of -o.
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

// `output` is the value of -o, or nothing for the current directory. A document is received into an existing
// directory. Any other value is the path of the document itself, and its parent must be an existing
// directory. Errors: local_file.
command_result<destination> find_destination(const std::optional<std::string>& output);

// A new directory, private to this user, in the folder for temporary files. It is removed with its contents.
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

// Writes the file at `path`, which is in `staging`, to standard output. Removes `staging` as soon as the file
// is open. A signal ends it. Errors: local_file, interrupted; ok otherwise.
command_error copy_to_standard_output(const std::filesystem::path& path, scratch_directory& staging);

} // namespace parley::cli
