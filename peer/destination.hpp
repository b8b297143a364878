// Finds the place of a received document from the value of -o.
#pragma once

#include "peer/code_input.hpp"

#include <parley/base/bytes.hpp>

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

// Writes all of `bytes` to standard output; none of them means that this is the end. Waits for a slow reader,
// but not after a signal. Errors: cancelled (the signal), the system's own in file_category().
error_code write_to_standard_output(bytes_view bytes);

} // namespace parley::cli
