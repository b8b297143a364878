// The names under which documents are offered.
#pragma once

#include <parley/base/diagnostics.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace parley {

// The last component of `path` as the user wrote it. If that is no name, the one of the directory's true
// path.
std::string offered_name(const std::filesystem::path& path);

// Whether receivers refuse `name` for a document or an item. `diag` says why.
bool is_refused_name(std::string_view name, diagnostics* diag);

// Whether receivers refuse `title` for several items or a text. `diag` says why.
bool is_refused_title(std::string_view title, diagnostics* diag);

} // namespace parley
