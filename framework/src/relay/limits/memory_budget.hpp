// Bounds the memory that a relay holds for its peers. Private to the framework.
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

// Holders report the bytes that they hold. While the sum is above the limit, the budget drops the largest
// holder. A limit of 0 is no limit. A change takes logarithmic time in the number of holders. Thread-safe.
class memory_budget {
public:
    explicit memory_budget(std::uint64_t limit) noexcept : limit_(limit) {}
    memory_budget(const memory_budget&) = delete;
    memory_budget& operator=(const memory_budget&) = delete;

    void set_limit(std::uint64_t limit);
    // The sum for all holders that are not dropped.
    std::uint64_t used() const;

private:
    friend memory_share;
    using sizes = std::set<std::pair<std::uint64_t, memory_share*>>;

    void change(memory_share& share, std::uint64_t counted);
    void forget(memory_share& share);
    void drop_largest();

    mutable std::mutex mutex_;
    std::uint64_t limit_, used_ = 0;
    sizes sizes_; // of all holders with a size above 0
};

// The bytes of one holder. A holder creates its share when it first holds more than a little, so most holders
// need no memory for a share. Call all functions on the holder's thread.
class memory_share {
public:
    // The budget counts bytes in steps of this size.
    static constexpr std::uint64_t step_bytes = 1024;

    // The budget calls `on_drop` at most once, when it drops this holder. The call happens inside the change of
    // any holder, on that holder's thread, under the budget's lock. It may post a handler; it must not use a
    // share. Afterwards the share counts nothing.
    memory_share(std::shared_ptr<memory_budget> budget, std::function<void()> on_drop)
        : budget_(std::move(budget)), on_drop_(std::move(on_drop))
    {
    }
    memory_share(const memory_share&) = delete;
    memory_share& operator=(const memory_share&) = delete;
    ~memory_share() { budget_->forget(*this); } // gives all bytes back

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
    std::uint64_t bytes_ = 0, told_ = 0; // used by the holder
    // used by the budget, under its lock
    std::uint64_t counted_ = 0;
    memory_budget::sizes::iterator place_; // while counted_ is not 0
    std::atomic<bool> dropped_ = false;
};

} // namespace parley::detail
