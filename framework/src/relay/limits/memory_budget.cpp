#include "relay/limits/memory_budget.hpp"

namespace parley::detail {

void memory_budget::set_limit(std::uint64_t limit)
{
    const std::scoped_lock lock{mutex_};
    limit_ = limit;
    drop_largest();
}

std::uint64_t memory_budget::used() const
{
    const std::scoped_lock lock{mutex_};
    return used_;
}

void memory_budget::change(memory_share& share, std::uint64_t counted)
{
    const std::scoped_lock lock{mutex_};
    if (share.dropped_) return;
    const bool had = share.counted_ != 0;
    if (had && counted != 0) {
        auto moved = sizes_.extract(share.place_);
        moved.value().first = counted;
        share.place_ = sizes_.insert(std::move(moved)).position;
    } else if (had) {
        sizes_.erase(share.place_);
    } else {
        share.place_ = sizes_.emplace(counted, &share).first;
    }
    used_ = used_ - share.counted_ + counted;
    share.counted_ = counted;
    drop_largest();
}

void memory_budget::forget(memory_share& share)
{
    const std::scoped_lock lock{mutex_};
    if (share.counted_ == 0) return;
    sizes_.erase(share.place_);
    used_ -= share.counted_;
}

// The bytes of a dropped holder count as free at once. The holder frees them soon afterwards.
void memory_budget::drop_largest()
{
    while (limit_ != 0 && used_ > limit_ && !sizes_.empty()) {
        const auto largest = std::prev(sizes_.end());
        memory_share& share = *largest->second;
        sizes_.erase(largest);
        used_ -= std::exchange(share.counted_, 0);
        share.dropped_ = true;
        share.on_drop_();
    }
}

} // namespace parley::detail
