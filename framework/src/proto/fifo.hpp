// The queue of a machine's actions or events.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace parley {

// Owners drain it after every input. It may grow in a burst, and frees its memory afterwards.
template <class T>
class fifo {
public:
    void push(T item) { items_.push_back(std::move(item)); }

    std::optional<T> pop()
    {
        if (front_ == items_.size()) return std::nullopt;
        std::optional<T> item{std::move(items_[front_++])};
        if (front_ == items_.size()) {
            items_.clear();
            front_ = 0;
            if (items_.capacity() > max_kept_items) items_ = std::vector<T>{};
        }
        return item;
    }

    std::size_t size() const noexcept { return items_.size() - front_; }
    std::size_t capacity() const noexcept { return items_.capacity(); }

    static constexpr std::size_t max_kept_items = 64;

private:
    std::vector<T> items_;
    std::size_t front_ = 0;
};

} // namespace parley
