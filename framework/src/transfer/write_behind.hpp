// Hashes, inflates and writes a document while later bytes are received and decrypted. Private to the
// framework.
#pragma once

#include "async/blocking_worker.hpp"
#include "async/page_buffer.hpp"

#include <parley/async/event.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/payload/document_receiver.hpp>

#include <array>

namespace parley::detail {

// Passes decrypted bytes to a receiver in pieces of up to 512 KiB, of which eight may be pending. The memory
// is allocated once. `receiver` is used on the `away` executor from construction to destruction.
class write_behind {
public:
    // The state of the receiver after its last piece.
    struct progress {
        std::uint64_t stream_bytes = 0;
        std::uint64_t content_bytes = 0;
        std::optional<std::uint64_t> expected_content_bytes;
        std::string offered_name;
        std::string other_name;
        std::optional<received_document> preview; // the name is known, too, once it is there
        bool complete = false;
        error_code error;
    };

    // Calls `on_progress` on `home` after each piece. The executors are those of blocking_worker.
    write_behind(const executor& home, executor away, document_receiver& receiver,
                 std::function<void()> on_progress);

    // Space for the next record's content, enough for one of any size. Empty when there is none: wait for it.
    mutable_bytes room() noexcept;
    awaitable<void> wait_for_room() { return freed_.wait(); }
    // Appends the first `n` bytes of room() to the document.
    void append(std::size_t n);
    // Passes the waiting bytes to the receiver as soon as it is idle. Call it when no more bytes follow at
    // once.
    void flush();

    // Whether bytes are pending.
    bool is_busy() const noexcept { return under_way_ > 0 || slots_[current_].filled > 0; }
    const progress& now() const noexcept { return now_; }

    // Moves the complete document to its place, or keeps it at another one if that fails. No bytes may be
    // pending.
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
    blocking_worker away_; // the last member, destroyed first: its jobs use the slots
};

} // namespace parley::detail
