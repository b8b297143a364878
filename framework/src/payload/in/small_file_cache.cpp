#include "payload/in/small_file_cache.hpp"

namespace parley {

std::optional<std::uint32_t> small_file_cache::hold(std::uint32_t number, std::uint64_t size)
{
    if (size > longest_bytes || size > room_bytes - used_ || numbers_.size() == max_contents)
        return std::nullopt;
    if (!room_) room_ = std::make_unique_for_overwrite<byte[]>(room_bytes);
    const auto position = static_cast<std::uint32_t>(used_);
    used_ += static_cast<std::size_t>(size);
    ++held_;
    numbers_.push_back(number);
    return position;
}

void small_file_cache::release() noexcept
{
    if (--held_ > 0) return;
    used_ = 0;
    numbers_.clear();
}

} // namespace parley
