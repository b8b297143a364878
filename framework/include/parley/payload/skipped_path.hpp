// A path of a document that does not travel, or does not arrive.
#pragma once

#include <string>

namespace parley {

struct skipped_path {
    std::string path;   // relative to the document, as on disk: not yet safe to print
    std::string reason; // e.g. "symbolic link"
};

} // namespace parley
