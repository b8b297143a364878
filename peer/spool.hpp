// Keeps a stream of unknown length in a file without a name, to find out its length.
#pragma once

#include <parley/base/result.hpp>

#include <cstdint>

namespace parley::cli {

// An open file of `size` bytes that is in no directory: it is gone when the descriptor is closed, however the
// program ends. Owns the descriptor.
class spooled_file {
public:
    spooled_file(int descriptor, std::uint64_t size) noexcept : descriptor_(descriptor), size_(size) {}
    spooled_file(spooled_file&& other) noexcept : descriptor_(other.release()), size_(other.size_) {}
    spooled_file& operator=(spooled_file&&) = delete;
    ~spooled_file();

    int release() noexcept; // gives the descriptor away
    std::uint64_t size() const noexcept { return size_; }

private:
    int descriptor_;
    std::uint64_t size_;
};

// Copies `input` up to its end into such a file in $TMPDIR (else /tmp), and rewinds the file. A signal ends
// it. Errors: cancelled, the system's own.
result<spooled_file> spool(int input);

// The folder for temporary files: $TMPDIR, else /tmp.
const char* temporary_directory() noexcept;

} // namespace parley::cli
