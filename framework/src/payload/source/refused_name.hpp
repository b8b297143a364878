// The names under which nothing is offered.
#pragma once

#include <parley/base/diagnostics.hpp>

#include <string_view>

namespace parley {

// Whether receivers refuse `name` for a document or an item. `diag` says why.
bool is_refused_name(std::string_view name, diagnostics* diag);

// Whether receivers refuse `title` for several items or a text. `diag` says why.
bool is_refused_title(std::string_view title, diagnostics* diag);

} // namespace parley
