// Bytes between two sockets without leaving the kernel: splice(2) into a pipe and out of it again. Private to
// the framework.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace parley::detail {

// Two descriptors of its own, and what lies between them. Movable; an empty one (default, or moved from) may
// only be assigned, destroyed and asked for bool. Not thread-safe.
class splice_pipe {
public:
    splice_pipe() noexcept = default;
    splice_pipe(splice_pipe&& other) noexcept { swap(other); }
    splice_pipe& operator=(splice_pipe&& other) noexcept
    {
        splice_pipe taken{std::move(other)};
        swap(taken);
        return *this;
    }
    ~splice_pipe();

    // Holds `most_bytes`, or as many as the system allows down to `least_bytes`; empty where that is not to
    // be had (descriptors, fs.pipe-user-pages-soft, another system).
    static splice_pipe open(std::size_t most_bytes, std::size_t least_bytes) noexcept;

    explicit operator bool() const noexcept { return out_ >= 0; }
    std::size_t held() const noexcept { return held_; }
    std::size_t capacity() const noexcept { return capacity_; }

    // Takes up to `most` bytes that `socket`, which does not block, has now; only when nothing is held. 0
    // with an error: would_block; eof; operation_not_supported where `socket` cannot be spliced.
    std::size_t fill(int socket, std::size_t most, error_code& error) noexcept;
    // Gives what is held to `socket`, which does not block, as far as it takes it. Less than all is no error;
    // nothing is (would_block). Never raises SIGPIPE.
    std::size_t drain(int socket, error_code& error) noexcept;

private:
    void swap(splice_pipe& other) noexcept
    {
        std::swap(in_, other.in_);
        std::swap(out_, other.out_);
        std::swap(held_, other.held_);
        std::swap(capacity_, other.capacity_);
    }

    int in_ = -1, out_ = -1; // written to, read from
    std::size_t held_ = 0, capacity_ = 0;
};

// Whether `socket` can be spliced; makes it one that does not block.
bool prepare_for_splice(int socket) noexcept;

// Pipes, lent out while they hold bytes; each is two descriptors. Not thread-safe. What it lends may outlive
// it.
class pipe_pool {
public:
    static constexpr std::size_t most_pipe_bytes = 1u << 20;
    static constexpr std::size_t least_pipe_bytes = 64u << 10; // buffers do as well as a smaller one
    static constexpr std::size_t max_kept = 8;

    // No more than `max_lent` at once.
    explicit pipe_pool(std::size_t max_lent) noexcept : max_lent_(max_lent) {}
    // 64, or fewer so that they take no more than an eighth of the descriptors this process may have.
    static std::size_t usual_max_lent() noexcept;

    // An empty one when all are lent, or the system gives no more.
    splice_pipe take() noexcept;
    // One that still holds bytes is closed.
    void give_back(splice_pipe used) noexcept;

    std::size_t lent() const noexcept { return lent_; }
    std::size_t kept() const noexcept { return kept_.size(); }

private:
    std::size_t max_lent_, lent_ = 0;
    std::size_t rests_ = 0; // so often it does not ask the system again
    std::vector<splice_pipe> kept_;
};

} // namespace parley::detail
