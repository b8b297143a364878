// What the sources of documents say of their errors to both sides.
#pragma once

#include <parley/proto/document_fault.hpp>

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace parley {

// `path` between quotes; of a long one the end.
std::string quoted_path(std::string_view path);

// Each of these sets `fault` and returns the error of this side.

// The file at `path` cannot be read.
error_code fail_reading(document_fault& fault, std::string_view path, const error_code& error);
// The file or directory at `path` is not what was listed: `what` follows the path. `now` is what it is, or null.
error_code fail_changed(document_fault& fault, std::string_view path, const std::string& what,
                        const struct stat* now);
// stop() was called.
error_code fail_cancelled(document_fault& fault);
// The owner asks for what was never offered, or for a file that is not open.
error_code fail_misused(document_fault& fault);

} // namespace parley
