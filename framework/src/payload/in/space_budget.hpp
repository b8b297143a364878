// How much more a document may put on the disk: the configured bound, and what is free there less a reserve.
#pragma once

#include "payload/disk/guarded_directory.hpp"

namespace parley {

// Not thread-safe.
class space_budget {
public:
    // `most_bytes` bounds the sum of what is claimed; `reserve_bytes` of the disk stay free.
    space_budget(std::uint64_t most_bytes, std::uint64_t reserve_bytes) noexcept
        : left_(most_bytes), reserve_bytes_(reserve_bytes)
    {
    }

    // To be asked before `bytes` are written in one more file of the file system that `where` is on. Errors:
    // document_too_large, the system's own. Asks the system only now and then, for small files come by the
    // thousand.
    error_code claim(std::uint64_t bytes, const guarded_directory& where);
    // Gives back what was claimed for a file that is gone again.
    void release(std::uint64_t bytes) noexcept;

private:
    static constexpr std::uint64_t asked_every_bytes = 16ull << 20;

    std::uint64_t left_;
    std::uint64_t reserve_bytes_;
    std::uint64_t unasked_bytes_ = 0; // may be claimed before the system is asked again
    std::uint32_t block_bytes_ = 4096;
};

} // namespace parley
