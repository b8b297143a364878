// Reads, hashes and encodes the content of a document while earlier bytes are sealed and sent. Private to the
// framework.
#pragma once

#include "async/blocking_worker.hpp"
#include "async/page_buffer.hpp"
#include "transfer/compression_level.hpp"

#include <parley/payload/content_source.hpp>
#include <parley/payload/zstd_encoder.hpp>
#include <parley/proto/document_sender_machine.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <optional>

namespace parley::detail {

// How far a file was hashed. A transfer that is continued goes on from there.
struct hashed_prefix {
    std::uint32_t entry = top_entry;
    std::uint64_t offset = 0;
    blake2b_256 hash;
};

// Reads the files of a document in order, several blocks ahead. A block holds many small files, or a part of a large
// one, so that threads hand over and machines write rarely. Memory: six blocks of 512 KiB, and the encoder's.
//
// `source`, `document` and `hashed` are used on the worker's executor from construction to destruction. `on_ready` is
// called on `home` when a block is ready.
class content_pump {
public:
    // One step of document_sender_machine.
    struct step {
        enum class kind : byte { open, data, end, failed };
        kind what = kind::open;
        content_encoding encoding = content_encoding::plain;
        bool compares = false;                 // match_prefix() is due, with `own`
        std::optional<blake2b_256_digest> own; // nothing: the source does not have as many bytes
        bytes_view bytes;                      // encoded; they may be empty
        std::uint64_t content = 0;             // that went into them
        error_code error;
        document_fault fault;
    };
    struct block {
        page_buffer space;
        std::size_t used = 0;
        std::vector<step> steps;
        bool last = false; // no file follows
        bool ready = false;
    };

    struct options {
        options() = default;
        bool compress = true;
        unsigned threads = 0; // of the encoder, for large files
    };

    content_pump(const executor& home, executor away, content_source& source,
                 std::shared_ptr<const document_outline> document, std::vector<accepted_part> accepted,
                 hashed_prefix& hashed, options chosen, std::function<void()> on_ready);
    ~content_pump();

    // The block to be used now; null while the source has none.
    block* current() noexcept;
    // Gives the current block back, and goes on to the next one.
    void release();
    // Whether a fast path has nothing to do for lack of content: less compression is better then.
    void set_starving(bool starving) noexcept { starving_ = starving; }

private:
    static constexpr std::size_t blocks = 6;
    static constexpr std::size_t block_bytes = 512 * 1024;

    void submit(block& b);
    void fill(block& b);
    bool open_next(block& b);
    void begin_content(block& b);
    bool read_plain(block& b);
    bool read_encoded(block& b);
    bool finish_file(block& b);
    void fail(block& b, error_code why);
    std::optional<blake2b_256_digest> hash_prefix(std::uint32_t entry, std::uint64_t size);
    mutable_bytes space_of(block& b) const noexcept { return {b.space.get() + b.used, block_bytes - b.used}; }

    content_source& source_;
    const std::shared_ptr<const document_outline> document_;
    const std::vector<accepted_part> accepted_;
    hashed_prefix& hashed_;
    const options options_;

    // Used by the worker.
    std::size_t next_accepted_ = 0;
    std::uint32_t next_entry_ = 0;
    bool open_ = false, ended_ = false, failed_ = false;
    std::uint64_t file_left_ = 0; // of the open file; unknown_size for a stream
    content_encoding encoding_ = content_encoding::plain;
    page_buffer raw_; // what was read and is not encoded
    bytes_view raw_left_;
    bool raw_ended_ = false;
    std::optional<zstd_encoder> small_, large_;
    zstd_encoder* encoder_ = nullptr;
    compression_level level_;

    std::atomic<bool> starving_ = false;
    std::array<block, blocks> blocks_;
    std::size_t current_ = 0;
    std::function<void()> on_ready_;
    blocking_worker away_; // the last member, destroyed first: its jobs use the others
};

} // namespace parley::detail
