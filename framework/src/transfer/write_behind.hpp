// A document that is hashed, inflated and written while what follows is received and opened. Private to the
// framework.
#pragma once

#include "async/blocking_worker.hpp"
#include "async/page_buffer.hpp"

#include <parley/async/event.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/payload/document_receiver.hpp>

#include <array>

namespace parley::detail {

// Hands opened bytes to a receiver in pieces of up to 512 KiB, of which eight may be on their way: memory
// taken once. `receiver` is used away from home from the making to the destruction.
class write_behind {
public:
    // How far the receiver was after its last piece.
    struct progress {
        std::uint64_t stream_bytes = 0;
        std::uint64_t content_bytes = 0;
        std::optional<std::uint64_t> expected_content_bytes;
        bool complete = false;
        error_code error;
    };

    // `on_progress` is called at home after each piece. The executors are those of blocking_worker.
    write_behind(const executor& home, executor away, document_receiver& receiver,
                 std::function<void()> on_progress);

    // Where the next record's content may go: room for one of any size. Empty when there is none: wait for
    // it.
    mutable_bytes room() noexcept;
    awaitable<void> wait_for_room() { return freed_.wait(); }
    // The first `n` bytes of room() are the document's next.
    void append(std::size_t n);
    // No more comes at once: what is here goes on its way as soon as the receiver has nothing else to do.
    void flush();

    // Whether bytes are on their way.
    bool is_busy() const noexcept { return under_way_ > 0 || slots_[current_].filled > 0; }
    const progress& now() const noexcept { return now_; }

    // Moves the complete document to its place. Nothing is on its way.
    awaitable<result<received_document>> commit();

private:
    static constexpr std::size_t pieces = 8;
    static constexpr std::size_t piece_bytes = 16 * max_record_content_bytes;

    struct slot {
        page_buffer bytes;
        std::size_t filled = 0;
        bool on_its_way = false;
        progress after;
        std::exception_ptr thrown;
    };
    void submit();
    void taken(slot& s);

    document_receiver& receiver_;
    std::function<void()> on_progress_;
    std::array<slot, pieces> slots_;
    std::size_t current_ = 0; // the slot that is being filled
    std::size_t under_way_ = 0;
    progress now_;
    std::optional<result<received_document>> stored_;
    bool committed_ = false;
    event freed_;
    blocking_worker away_; // goes first: its jobs use the slots
};

} // namespace parley::detail
