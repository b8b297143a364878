#pragma once

#include <cstddef>

namespace parley::bench {

// Free memory that stays the machine's own. A virtual machine may hand free memory back to its host, in
// blocks of many pages, and whoever touches it next pays several times what a write costs. This keeps every
// other page of a mapping: the free ones in between make no block, and single pages are what the system gives
// first.
class memory_ballast {
public:
    // Touches twice `bytes`, in the caller's time, and frees half of it. Throws failure.
    explicit memory_ballast(std::size_t bytes);
    memory_ballast(const memory_ballast&) = delete;
    memory_ballast& operator=(const memory_ballast&) = delete;
    ~memory_ballast();

private:
    std::size_t size_;
    std::byte* memory_;
};

} // namespace parley::bench
