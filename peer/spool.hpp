// Keeps a stream of unknown length in a file without a name, to find out its length.
#pragma once

#include <parley/base/descriptor.hpp>
#include <parley/base/result.hpp>

#include <cstdint>

namespace parley::cli {

// An open file of `size` bytes that is in no directory: it is gone when the descriptor is closed, however the
// program ends.
struct spooled_file {
    descriptor file;
    std::uint64_t size = 0;
};

// Copies `input` up to its end into such a file in $TMPDIR (else /tmp), and rewinds the file. A signal ends
// it. Errors: cancelled, the system's own.
result<spooled_file> spool(int input);

// The folder for temporary files: $TMPDIR, else /tmp.
const char* temporary_directory() noexcept;

} // namespace parley::cli
