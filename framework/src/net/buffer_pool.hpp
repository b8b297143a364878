// Big buffers, lent out while bytes move. Private to the net room.
#pragma once

#include <parley/base/bytes.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace parley::detail {

// Buffers of one size. Not thread-safe. What it lends may outlive it.
class buffer_pool {
public:
    using buffer = std::unique_ptr<byte[]>;
    explicit buffer_pool(std::size_t buffer_bytes, std::size_t max_kept = 16)
        : buffer_bytes_(buffer_bytes), max_kept_(max_kept)
    {
    }

    buffer take()
    {
        if (kept_.empty()) return std::make_unique_for_overwrite<byte[]>(buffer_bytes_);
        buffer out = std::move(kept_.back());
        kept_.pop_back();
        return out;
    }
    void give_back(buffer used) noexcept
    {
        if (!used || kept_.size() >= max_kept_) return;
        try {
            kept_.push_back(std::move(used));
        } catch (...) { // it is freed instead
        }
    }

    std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
    std::size_t kept() const noexcept { return kept_.size(); }

private:
    std::size_t buffer_bytes_, max_kept_;
    std::vector<buffer> kept_;
};

} // namespace parley::detail
