// How many more bytes a document may put on the disk: the configured bound, and the free space less a
// reserve.
#pragma once

#include "payload/disk/guarded_directory.hpp"

#include <parley/payload/document_receiver.hpp>

namespace parley {

// Not thread-safe.
class space_budget {
public:
    // limits.max_document_bytes bounds the sum of all claims.
    explicit space_budget(const receiver_limits& limits) noexcept
        : left_(limits.max_document_bytes),
          reserve_bytes_(limits.free_space_reserve_bytes),
          reserve_share_(limits.free_space_reserve_share)
    {
    }

    // Call this before writing `bytes` to one more file on the file system of `where`. Errors:
    // document_too_large (the bound), no_room. It asks the system only now and then, because small files come
    // by the thousand.
    error_code claim(std::uint64_t bytes, const guarded_directory& where);
    // Returns the claim of a file that was removed.
    void release(std::uint64_t bytes) noexcept;

    // After no_room: how much is needed and how much is free, for people.
    const std::string& problem() const noexcept { return problem_; }

private:
    static constexpr std::uint64_t asked_every_bytes = 16ull << 20;

    std::uint64_t left_;
    std::uint64_t reserve_bytes_;
    double reserve_share_;
    std::uint64_t unasked_bytes_ = 0; // may be claimed before the system is asked again
    std::uint32_t block_bytes_ = 4096;
    std::string problem_;
};

} // namespace parley
