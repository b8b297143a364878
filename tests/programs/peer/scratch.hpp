// A folder of a test's own, made the folder for temporary files while it lives.
#pragma once

#include <parley/testing/temporary_folder.hpp>

#include <cstdlib>

namespace parley::cli::test {

class scratch_folder : public testing::temporary_folder {
public:
    scratch_folder() { ::setenv("TMPDIR", path().c_str(), 1); }
    ~scratch_folder() { ::unsetenv("TMPDIR"); }
};

} // namespace parley::cli::test
