// Load generators as separate processes: their CPU time is separate from the harness's, and each has its own
// limit of descriptors.
#pragma once

#include <functional>
#include <new>
#include <type_traits>

#include <sys/types.h>

namespace parley::bench {

namespace detail {
void* map_shared(std::size_t bytes);
void unmap_shared(void* memory, std::size_t bytes) noexcept;
} // namespace detail

// Zero-initialised memory that forked processes share with the harness. Throws failure.
template <class T>
class shared_array {
    static_assert(std::is_trivially_destructible_v<T>);

public:
    explicit shared_array(std::size_t size)
        : size_(size), memory_(detail::map_shared(size * sizeof(T))), begin_(new(memory_) T[size]())
    {
    }
    shared_array(const shared_array&) = delete;
    shared_array& operator=(const shared_array&) = delete;
    ~shared_array() { detail::unmap_shared(memory_, size_ * sizeof(T)); }

    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t i) const noexcept { return begin_[i]; }

private:
    std::size_t size_;
    void* memory_;
    T* begin_;
};

// A forked copy of this process that runs `work` and ends. It dies with the harness, and is ended by its id.
// An exception of `work` is written to standard error and ends the copy with status 1. Start it while this
// process has one thread.
class load_process {
public:
    explicit load_process(const std::function<void()>& work);
    load_process(const load_process&) = delete;
    load_process& operator=(const load_process&) = delete;
    ~load_process();

    pid_t pid() const noexcept { return pid_; }
    bool running() noexcept;

private:
    pid_t pid_ = -1;
    bool reaped_ = false;
};

// Raises the limit as far as no administrator is needed. Returns the new limit.
std::size_t raise_descriptor_limit() noexcept;

} // namespace parley::bench
