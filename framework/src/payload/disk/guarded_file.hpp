// An open file of the receiving half. It has no name: names are the business of guarded_directory.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/descriptor.hpp>
#include <parley/base/error.hpp>

#include <cstdint>

namespace parley {

// An open regular file. Errors are the system's own, in file_category(). Not thread-safe.
class guarded_file {
public:
    guarded_file() noexcept = default;
    explicit guarded_file(descriptor fd) noexcept : fd_(std::move(fd)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    // Some file systems report only here that what was written is lost. The destructor ignores that.
    error_code close() noexcept;
    // Writes all of `bytes` after everything appended before.
    error_code append(bytes_view bytes);
    // The same, but leaves holes where there are 16 KiB of zeros or more. Call end_holes() after the last bytes.
    error_code append_sparse(bytes_view bytes);
    error_code end_holes();
    // Drops what is in the file from `offset` on. The next bytes are appended there.
    error_code continue_at(std::uint64_t offset);
    // Reads all of `out` from `offset`. Errors: io_error when the file ends first.
    error_code read_at(std::uint64_t offset, mutable_bytes out) const;
    // Appends the first `length` bytes of `from` with its holes, inside the kernel where possible.
    error_code append_copy(const guarded_file& from, std::uint64_t length);
    std::uint64_t size() const noexcept { return size_; } // the number of bytes appended
    // Changes the permission bits, and no other.
    void set_mode(unsigned mode) const noexcept;
    // The time of modification, in nanoseconds since 1970 UTC. Ignores file systems that cannot.
    void set_modified(std::int64_t time) const noexcept;

private:
    descriptor fd_;
    std::uint64_t size_ = 0;
    bool ends_in_hole_ = false;
};

} // namespace parley
