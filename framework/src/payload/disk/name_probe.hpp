// Tells a name that a file system cannot hold from a disk that is full or broken.
#pragma once

#include "payload/disk/guarded_directory.hpp"

namespace parley {

// `error` came when something was made in `where`. Whether the file system refuses its name and not every name: then
// another one can be made in the same place.
bool is_name_refused(const error_code& error, const guarded_directory& where);

} // namespace parley
