// A file that is in no directory. It is gone when it is closed, however the program ends.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/descriptor.hpp>
#include <parley/base/result.hpp>

#include <filesystem>

namespace parley {

// Only this user could open it while it had a name. Errors are the system's own. Not thread-safe.
class unnamed_file {
public:
    unnamed_file() = default;
    static result<unnamed_file> in(const std::filesystem::path& folder);

    std::uint64_t size() const noexcept { return size_; }
    // Writes all of `bytes` at the end. After an error the end is as it was.
    error_code append(bytes_view bytes);
    // Fills `out`, which ends within the file, from `offset`. Errors: io_error when the file is shorter.
    error_code read_at(std::uint64_t offset, mutable_bytes out) const;

private:
    descriptor fd_;
    std::uint64_t size_ = 0;
};

} // namespace parley
