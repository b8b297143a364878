#include "payload/in/space_budget.hpp"

#include <algorithm>

namespace parley {

error_code space_budget::claim(std::uint64_t bytes, const guarded_directory& where)
{
    if (bytes > left_) return errc::document_too_large;
    // A file takes whole blocks, and its directory entry may take one more.
    const std::uint64_t margin = 2ull * block_bytes_;
    const std::uint64_t taken = bytes > UINT64_MAX - margin ? UINT64_MAX : bytes + margin;
    if (taken > unasked_bytes_) {
        const guarded_directory::space space = where.free_space();
        block_bytes_ = space.block_bytes;
        const double share = static_cast<double>(space.total_bytes) * reserve_share_;
        const std::uint64_t reserve =
            std::min({space.free_bytes, reserve_bytes_,
                      share < 0x1p63 ? static_cast<std::uint64_t>(share) : UINT64_MAX});
        const std::uint64_t usable = space.free_bytes - reserve;
        if (taken > usable) {
            problem_ =
                "it needs " + format_bytes(bytes) + "; " + format_bytes(space.free_bytes) + " are free";
            if (reserve > 0) problem_ += ", of which " + format_bytes(reserve) + " stay free";
            return errc::no_room;
        }
        unasked_bytes_ = std::max(taken, std::min(usable, asked_every_bytes));
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
