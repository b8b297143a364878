// How many more bytes a document may put on the disk: the configured bound, and the free space less a
// reserve.
#pragma once

#include "payload/disk/guarded_directory.hpp"

namespace parley {

// Not thread-safe.
class space_budget {
public:
    // `most_bytes` bounds the sum of all claims. `reserve_bytes` of the disk stay free.
    space_budget(std::uint64_t most_bytes, std::uint64_t reserve_bytes) noexcept
        : left_(most_bytes), reserve_bytes_(reserve_bytes)
    {
    }

    // Call this before writing `bytes` to one more file on the file system of `where`. Errors:
    // document_too_large, the system's own. It asks the system only now and then, because small files come by
    // the thousand.
    error_code claim(std::uint64_t bytes, const guarded_directory& where);
    // Returns the claim of a file that was removed.
    void release(std::uint64_t bytes) noexcept;

private:
    static constexpr std::uint64_t asked_every_bytes = 16ull << 20;

    std::uint64_t left_;
    std::uint64_t reserve_bytes_;
    std::uint64_t unasked_bytes_ = 0; // may be claimed before the system is asked again
    std::uint32_t block_bytes_ = 4096;
};

} // namespace parley
