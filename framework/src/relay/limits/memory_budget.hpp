// One bound for the memory that a relay keeps for its peers. Private to the framework.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace parley::detail {

class memory_share;

// Holders say what they hold. While the sum is above the limit, the budget drops the largest holder. A limit
// of 0 is none. A change costs the logarithm of the number of holders. Thread-safe.
class memory_budget {
public:
    explicit memory_budget(std::uint64_t limit) noexcept : limit_(limit) {}
    memory_budget(const memory_budget&) = delete;
    memory_budget& operator=(const memory_budget&) = delete;

    void set_limit(std::uint64_t limit);
    // What all holders hold that were not dropped.
    std::uint64_t used() const;

private:
    friend memory_share;
    using sizes = std::set<std::pair<std::uint64_t, memory_share*>>;

    void change(memory_share& share, std::uint64_t counted);
    void forget(memory_share& share);
    void drop_largest();

    mutable std::mutex mutex_;
    std::uint64_t limit_, used_ = 0;
    sizes sizes_; // of the holders that hold anything
};

// What one holder holds. A holder makes its share when it first holds more than a little, so that most
// holders need no memory for one. All of it is called on the holder's thread.
class memory_share {
public:
    // Held bytes count in steps of this many.
    static constexpr std::uint64_t step_bytes = 1024;

    // `on_drop` is called at most once, from within any holder's change, on that holder's thread and under
    // the budget's lock. It may post, and may not use shares. Afterwards the share counts nothing.
    memory_share(std::shared_ptr<memory_budget> budget, std::function<void()> on_drop)
        : budget_(std::move(budget)), on_drop_(std::move(on_drop))
    {
    }
    memory_share(const memory_share&) = delete;
    memory_share& operator=(const memory_share&) = delete;
    ~memory_share() { budget_->forget(*this); } // gives everything back

    void set(std::uint64_t bytes)
    {
        bytes_ = bytes;
        const std::uint64_t counted = (bytes + step_bytes - 1) / step_bytes * step_bytes;
        if (std::exchange(told_, counted) != counted) budget_->change(*this, counted);
    }
    void add(std::uint64_t bytes) { set(bytes_ + bytes); }
    void remove(std::uint64_t bytes) { set(bytes_ - bytes); }

    std::uint64_t bytes() const noexcept { return bytes_; }
    bool dropped() const noexcept { return dropped_; }

private:
    friend memory_budget;

    std::shared_ptr<memory_budget> budget_;
    std::function<void()> on_drop_;
    std::uint64_t bytes_ = 0, told_ = 0; // the holder's
    // the budget's, under its lock
    std::uint64_t counted_ = 0;
    memory_budget::sizes::iterator place_; // while counted_ is not 0
    std::atomic<bool> dropped_ = false;
};

} // namespace parley::detail
