// Reads, hashes and compresses a document while earlier bytes are encrypted and sent. Private to the
// framework.
#pragma once

#include "async/blocking_worker.hpp"
#include "async/page_buffer.hpp"

#include <parley/async/event.hpp>
#include <parley/crypto/record_cipher.hpp>
#include <parley/payload/document_source.hpp>

#include <array>
#include <atomic>

namespace parley::detail {

// Reads a source up to seven pieces ahead. Memory: eight pieces of 512 KiB, allocated once. `source` is used
// on the `away` executor from construction to destruction.
class document_read_ahead {
public:
    // The size of one write: several whole records, so a large document needs few system calls and few
    // hand-overs between the threads.
    static constexpr std::size_t piece_bytes = 16 * max_record_content_bytes;

    struct piece {
        bytes_view bytes;                // whole records; empty at the end of the document
        bool last = false;               // nothing follows
        std::uint64_t content_bytes = 0; // read so far
        std::uint64_t total_content_bytes = 0;
        error_code error;
        std::string error_detail; // which file, and when; safe to print
    };

    // The executors are those of blocking_worker.
    document_read_ahead(const executor& home, executor away, document_source& source);
    // Stops the source and waits for its last read.
    ~document_read_ahead() { source_.stop(); }

    // The next piece; it invalidates the bytes of the one before. Do not call it after an error or the last
    // piece. `prefer_speed`: the consumer would rather have the piece soon than small.
    awaitable<piece> next(bool prefer_speed);
    // Whether next() waits for the source.
    bool is_waiting() const noexcept { return waiting_; }

private:
    static constexpr std::size_t pieces = 8;
    // The first bytes go out at once, even when the document takes long to fill a piece.
    static constexpr std::size_t first_piece_bytes = 4096;

    struct slot {
        page_buffer bytes;
        piece content;
        std::exception_ptr thrown;
        bool ready = false;
    };
    void fill(slot& s, std::size_t wanted);

    document_source& source_;
    std::array<slot, pieces> slots_;
    std::size_t current_ = pieces - 1; // the slot given out last
    bool given_out_ = false;
    bool waiting_ = false;
    std::atomic<bool> prefer_speed_ = false; // the consumer waits for the source; read by the worker
    event filled_;
    blocking_worker away_; // the last member, destroyed first: its jobs fill the slots
};

} // namespace parley::detail
