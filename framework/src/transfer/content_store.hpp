// Writes the content of a document while later bytes are received and decoded. Private to the framework.
#pragma once

#include "async/blocking_worker.hpp"
#include "async/page_buffer.hpp"

#include <parley/async/event.hpp>
#include <parley/payload/content_sink.hpp>

#include <array>
#include <vector>

namespace parley::detail {

// Passes steps to a sink in blocks of up to 512 KiB, of which eight may be pending. A block holds many small files, or
// a part of a large one. `sink` is used on the worker's executor from construction to destruction.
class content_store {
public:
    // The executors are those of blocking_worker. `on_failed` is called on `home`, once, when the sink has failed.
    content_store(const executor& home, executor away, content_sink& sink, std::function<void()> on_failed);

    // Whether open(), append() and close() may be called. While it has no room, wait.
    bool has_room() const noexcept { return !blocks_[current_].under_way; }
    awaitable<void> wait_for_room() { return freed_.wait(); }

    void open(std::uint32_t entry, std::uint64_t offset);
    // Takes bytes from the front of `bytes`, as many as there is room for.
    void append(bytes_view& bytes);
    void close();
    // Passes what waits to the sink as soon as that is idle. Call it when nothing follows at once.
    void flush();

    // Runs `work` on the worker after everything before, and waits for its end. Also after a failure.
    awaitable<void> run(std::function<void()> work);

    // Why the sink has failed; unset while it has not.
    error_code error() const noexcept { return error_; }
    const document_fault& fault() const noexcept { return fault_; }
    // Goes on after a failure or a broken connection: drops what waits. Nothing may be pending (run() sees to that).
    void reset();

private:
    static constexpr std::size_t blocks = 8;
    static constexpr std::size_t block_bytes = 512 * 1024;
    static constexpr std::size_t max_steps = 4096;

    struct step {
        enum class kind : byte { open, bytes, close };
        kind what;
        std::uint32_t entry;  // of open
        std::uint64_t offset; // of open; of bytes, their place in the block
        std::size_t size;     // of bytes
    };
    struct block {
        page_buffer space;
        std::size_t used = 0;
        std::vector<step> steps;
        bool under_way = false;
        error_code error;
        document_fault fault;
    };

    void add(const step& s);
    void submit();
    void write(block& b);
    void written(block& b);

    content_sink& sink_;
    std::function<void()> on_failed_;
    std::array<block, blocks> blocks_;
    std::size_t current_ = 0;
    std::size_t under_way_ = 0;
    bool failed_ = false; // used by the worker
    error_code error_;
    document_fault fault_;
    event freed_, ran_;
    blocking_worker away_; // the last member, destroyed first: its jobs use the others
};

} // namespace parley::detail
