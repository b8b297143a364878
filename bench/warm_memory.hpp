#pragma once

#include <cstddef>

namespace parley::bench {

// Free memory that stays the machine's own. A virtual machine may hand free memory back to its host, in
// blocks of many pages, and whoever touches it next pays several times what a write costs. This keeps every
// other page of a mapping: the free ones in between make no block, and single pages are what the system gives
// first.
class warm_memory {
public:
    // Touches twice `bytes`, in the caller's time, and frees half of it. Throws failure.
    explicit warm_memory(std::size_t bytes);
    warm_memory(const warm_memory&) = delete;
    warm_memory& operator=(const warm_memory&) = delete;
    ~warm_memory();

private:
    std::size_t size_;
    std::byte* memory_;
};

} // namespace parley::bench
