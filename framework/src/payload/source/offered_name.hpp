// The name under which a file or directory is offered.
#pragma once

#include <filesystem>
#include <string>

namespace parley {

// The last component of `path` as the user wrote it. If that is no name, the one of the directory's true
// path.
std::string offered_name(const std::filesystem::path& path);

} // namespace parley
