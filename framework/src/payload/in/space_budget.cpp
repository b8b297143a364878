#include "payload/in/space_budget.hpp"

#include <algorithm>

namespace parley {

error_code space_budget::claim(std::uint64_t bytes, const guarded_directory& where)
{
    if (bytes > left_) return errc::document_too_large;
    // A file takes whole blocks, and its directory entry may take one more.
    const std::uint64_t margin = 2ull * block_bytes_;
    if (bytes > UINT64_MAX - margin) return errc::document_too_large;
    const std::uint64_t taken = bytes + margin;
    if (taken > unasked_bytes_) {
        const auto space = where.free_space();
        if (!space) return space.error();
        block_bytes_ = space->block_bytes;
        const std::uint64_t free = space->free_bytes - std::min(space->free_bytes, reserve_bytes_);
        if (taken > free) return errc::document_too_large;
        unasked_bytes_ = std::max(taken, std::min(free, asked_every_bytes));
    }
    unasked_bytes_ -= taken;
    left_ -= bytes;
    return {};
}

void space_budget::release(std::uint64_t bytes) noexcept
{
    left_ = bytes > UINT64_MAX - left_ ? UINT64_MAX : left_ + bytes;
}

} // namespace parley
