#pragma once

#include <cstddef>

namespace parley::bench {

// Keeps free memory inside the virtual machine. A virtual machine may return free memory to its host in
// blocks of many pages. The next process to touch it pays several times the cost of a write. This object
// keeps every other page of a mapping, so the free pages between form no block, and the system hands out
// single pages first.
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
