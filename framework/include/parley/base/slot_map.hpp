// Objects by small numbers, which are used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace parley {

// Pointer is copyable and has a null state; Key is an integer or enumeration of 32 bits. Not thread-safe.
template <class Key, class Pointer>
class slot_map {
public:
    // `value` is not null. The number is its own until erase(); the one that was freed last is used first.
    Key insert(Pointer value)
    {
        if (free_.empty()) {
            slots_.push_back(std::move(value));
            return static_cast<Key>(slots_.size() - 1);
        }
        const Key key = free_.back();
        free_.pop_back();
        slots_[index(key)] = std::move(value);
        return key;
    }
    // `key` is in use.
    void erase(Key key)
    {
        free_.push_back(key);
        slots_[index(key)] = nullptr;
    }

    // Null when the number is not in use.
    Pointer find(Key key) const { return index(key) < slots_.size() ? slots_[index(key)] : nullptr; }
    std::size_t size() const noexcept { return slots_.size() - free_.size(); }

    // Calls `f` with each one, in the order of the numbers. `f` may insert and erase.
    template <class F>
    void for_each(F f) const
    {
        for (std::size_t i = 0; i < slots_.size(); ++i)
            if (const Pointer value = slots_[i]) f(value);
    }

private:
    static std::size_t index(Key key) noexcept { return static_cast<std::size_t>(key); }

    std::vector<Pointer> slots_;
    std::vector<Key> free_;
};

} // namespace parley
