// Deflates a long content on several cores: cuts it into blocks and deflates each on its own.
#pragma once

#include "payload/out/deflate_engine.hpp"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace parley {

// Makes one raw deflate stream after another. Each consists of blocks of 512 KiB that may refer back to the
// 32 KiB before them and end at a byte boundary. A block that does not shrink is stored. The stream does not
// depend on the number of threads. Memory: 1.1 MiB per block and 0.4 MiB per thread; with threads there is
// one block more than threads. Only one thread may use it: the threads inside only deflate.
class parallel_deflater {
public:
    static constexpr std::size_t block_bytes = 512 * 1024;
    static constexpr std::size_t window_bytes = 32 * 1024;
    static constexpr unsigned max_threads = 8;
    // The most blocks that are ever inside.
    static constexpr unsigned max_blocks = max_threads + 1;

    // `threads` is 1..8. With 1, and when the system gives no thread, `own` deflates inside add(). `own` is
    // borrowed for the lifetime of this object and not used while there are threads. Null when memory runs
    // out.
    static std::unique_ptr<parallel_deflater> create(int level, unsigned threads,
                                                     deflate_engine& own) noexcept;
    parallel_deflater(const parallel_deflater&) = delete;
    parallel_deflater& operator=(const parallel_deflater&) = delete;
    // Waits for the blocks under way.
    ~parallel_deflater();

    // Begins another stream. Waits for the blocks under way and drops all blocks inside. The stream may refer
    // back to `window`, the bytes before its first one (at most 32 KiB).
    void begin(bytes_view window) noexcept;

    bool empty() const noexcept { return added_ == taken_; }
    bool full() const noexcept { return added_ - taken_ == slots_; }
    // The content bytes of the blocks inside.
    std::size_t content_bytes() const noexcept { return content_bytes_; }

    // Where to put the next block's content, block_bytes of it. Only when not full().
    mutable_bytes next_block() noexcept;
    // Deflates the next block: the first `size` bytes of next_block(). Only the `last` block, which ends the
    // stream, may have fewer than block_bytes.
    void add(std::size_t size, bool last) noexcept;
    // The deflated size of the block that was added max_blocks before the next one; 0 when there is none.
    // With any number of threads that block has left by now, so a decision based on it does not depend on
    // that number.
    std::size_t packed_bytes_before() const noexcept;

    // The next bytes of the stream, at least one. Waits for them. Only when not empty().
    bytes_view front() noexcept;
    // Drops the first `size` bytes of front().
    void take(std::size_t size) noexcept;

private:
    struct block;

    parallel_deflater(deflate_engine& own, unsigned slots) noexcept;
    block& at(std::uint64_t number) noexcept { return *blocks_[number % slots_]; }
    void work(deflate_engine& engine) noexcept;

    deflate_engine& own_;
    const unsigned slots_;
    std::array<std::unique_ptr<block>, max_blocks> blocks_;
    std::uint64_t taken_ = 0; // blocks that have left
    std::size_t content_bytes_ = 0;
    std::array<std::size_t, max_blocks> packed_bytes_{}; // of the blocks that left last

    std::mutex mutex_;
    std::condition_variable added_one_;
    std::condition_variable deflated_one_;
    // Guarded by the mutex, as is block::deflated.
    std::uint64_t added_ = 0;   // written only by the user's thread, which reads it without the mutex
    std::uint64_t started_ = 0; // blocks that a thread has started
    unsigned under_way_ = 0;
    bool stopping_ = false;

    unsigned threads_ = 0;
    std::array<std::unique_ptr<deflate_engine>, max_threads> engines_;
    std::array<std::thread, max_threads> handles_;
};

} // namespace parley
