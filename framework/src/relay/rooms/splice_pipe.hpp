// Moves bytes between two sockets inside the kernel: splice(2) into a pipe and out of it. Private to the
// framework.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace parley::detail {

// A pipe (two descriptors) and the number of bytes in it. Movable. An empty object (default-constructed or
// moved from) may only be assigned, destroyed and tested as bool. Not thread-safe.
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

    // Makes a pipe for `most_bytes`, or for as many as the system allows, but at least `least_bytes`. Empty
    // when the system refuses (descriptors, fs.pipe-user-pages-soft, another system).
    static splice_pipe open(std::size_t most_bytes, std::size_t least_bytes) noexcept;

    explicit operator bool() const noexcept { return out_ >= 0; }
    std::size_t held() const noexcept { return held_; }
    std::size_t capacity() const noexcept { return capacity_; }

    // Reads up to `most` bytes from `socket`, which is non-blocking. The pipe must be empty. Returns 0 with
    // an error: would_block; eof; operation_not_supported when `socket` cannot be spliced.
    std::size_t fill(int socket, std::size_t most, error_code& error) noexcept;
    // Writes the held bytes to `socket`, which is non-blocking. Writing a part of them is no error; writing
    // none is (would_block). Never raises SIGPIPE.
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

// Whether `socket` can be spliced. Makes it non-blocking.
bool prepare_for_splice(int socket) noexcept;

// Lends pipes while they hold bytes. Each takes two descriptors. A lent pipe may outlive the pool. Not
// thread-safe.
class pipe_pool {
public:
    static constexpr std::size_t most_pipe_bytes = 1u << 20;
    static constexpr std::size_t least_pipe_bytes = 64u << 10; // a smaller one is no better than a buffer
    static constexpr std::size_t max_kept = 8;

    // Lends at most `max_lent` pipes at the same time.
    explicit pipe_pool(std::size_t max_lent) noexcept : max_lent_(max_lent) {}
    // 64, or fewer: the pipes take at most an eighth of the descriptors that this process may have.
    static std::size_t usual_max_lent() noexcept;

    // Empty when `max_lent` are lent or the system refuses.
    splice_pipe take() noexcept;
    // Closes a pipe that still holds bytes.
    void give_back(splice_pipe used) noexcept;

    std::size_t lent() const noexcept { return lent_; }
    std::size_t kept() const noexcept { return kept_.size(); }

private:
    std::size_t max_lent_, lent_ = 0;
    std::size_t rests_ = 0; // calls until the pool asks the system again
    std::vector<splice_pipe> kept_;
};

} // namespace parley::detail
