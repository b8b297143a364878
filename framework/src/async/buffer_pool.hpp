// Large buffers, lent while bytes move. Private to the framework.
#pragma once

#include "async/page_buffer.hpp"

#include <limits>
#include <vector>

namespace parley::detail {

// Lends buffers of one size, at most `max_lent` at the same time. A lent buffer may outlive the pool. Not
// thread-safe.
class buffer_pool {
public:
    using buffer = page_buffer;
    explicit buffer_pool(std::size_t buffer_bytes, std::size_t max_kept = 16,
                         std::size_t max_lent = std::numeric_limits<std::size_t>::max())
        : buffer_bytes_(buffer_bytes), max_kept_(max_kept), max_lent_(max_lent)
    {
    }

    // Null when `max_lent` are lent.
    buffer take()
    {
        buffer out;
        if (lent_ >= max_lent_) return out;
        if (kept_.empty()) {
            out = make_page_buffer(buffer_bytes_);
        } else {
            out = std::move(kept_.back());
            kept_.pop_back();
        }
        ++lent_;
        return out;
    }
    void give_back(buffer used) noexcept
    {
        if (!used) return;
        --lent_;
        if (kept_.size() >= max_kept_) return;
        try {
            kept_.push_back(std::move(used));
        } catch (...) { // it is freed instead
        }
    }

    std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
    std::size_t kept() const noexcept { return kept_.size(); }
    std::size_t lent() const noexcept { return lent_; }

private:
    std::size_t buffer_bytes_, max_kept_, max_lent_, lent_ = 0;
    std::vector<buffer> kept_;
};

} // namespace parley::detail
