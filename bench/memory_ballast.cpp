#include "bench/memory_ballast.hpp"

#include "bench/failure.hpp"

#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

namespace parley::bench {

memory_ballast::memory_ballast(std::size_t bytes) : size_(2 * bytes)
{
    void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw system_failure("memory to keep warm", errno);
    memory_ = static_cast<std::byte*>(mapped);
    ::madvise(memory_, size_, MADV_NOHUGEPAGE);
    ::madvise(memory_, size_, MADV_DONTFORK);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (std::size_t at = 0; at < size_; at += page) memory_[at] = std::byte{1};
    for (std::size_t at = 0; at < size_; at += 2 * page) ::madvise(memory_ + at, page, MADV_DONTNEED);
}

memory_ballast::~memory_ballast()
{
    ::munmap(memory_, size_);
}

} // namespace parley::bench
