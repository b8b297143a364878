// Makes one zlib stream after another, read piece by piece. Contents that shrink are deflated. The others go
// into stored blocks at the speed of a copy. A long content may change between the two.
#pragma once

#include "payload/out/content_reader.hpp"

#include <parley/base/result.hpp>
#include <parley/payload/document_source.hpp>

#include <array>
#include <memory>

namespace parley {

// Writes zlib streams (RFC 1950). Memory: almost nothing while everything is stored, about 420 KiB once
// something was deflated, and a parallel_deflater once a long content was deflated. Not thread-safe.
//
// `sampled` deflates a content that fits into one sample (64 KiB), and stores it if that makes it no smaller.
// Of a longer content it deflates the first sample. If the sample shrank by at least a twentieth it goes on
// deflating; otherwise it stores. It decides again as the content changes: after each deflated stretch of 1
// MiB, where one that shrank too little is followed by stored blocks, and after each stored stretch of 8 MiB,
// by another sample.
//
// After a stretch that shrank (with `always`: from the start) it deflates the rest in blocks if that is 4 MiB
// or more. It judges each MiB of these, too, but only when the next nine blocks have been added.
class deflater {
public:
    static constexpr std::size_t sample_bytes = 64 * 1024;
    // What read() takes before it hands out what it has. A large content of zeros makes a thousandth of it.
    static constexpr std::uint64_t content_bytes_per_read = 4u << 20;

    // `level` and `threads` are as in source_options. A level outside 1..9 becomes the nearest level.
    deflater(compression method, int level, unsigned threads = 1);
    deflater(deflater&&) noexcept;
    deflater& operator=(deflater&&) noexcept;
    ~deflater();

    // Begins the zlib stream of a content of `size` bytes. Forgets the rest of the last one.
    void start(std::uint64_t size) noexcept;

    // Sets whether speed matters more than a small stream from here on. If so, `sampled` stores what it would
    // have deflated, and takes another sample after 1 MiB, then after 2 MiB, and so on up to 8 MiB.
    void prefer_speed(bool now) noexcept { prefer_speed_ = now; }

    // Writes the next bytes of the stream: fills `out`, unless the stream ends or much content makes few bytes.
    // Writes at least one byte before the end. Takes what it needs from `content`, never more than the size.
    // Errors: those of `content`, not_enough_memory.
    result<std::size_t> read(mutable_bytes out, content_reader& content);

    // Whether the whole stream has been read.
    bool finished() const noexcept;

    // How many bytes of the content are taken, without those in blocks that have not been read to their end.
    std::uint64_t content_bytes_taken() const noexcept;

private:
    struct engine;
    enum class phase { choosing, deflating, deflating_blocks, stored_header, stored_data, checksum, done };

    error_code ensure_engine();
    error_code take(mutable_bytes out, content_reader& content);
    error_code choose(content_reader& content);
    error_code deflate_some(content_reader& content);
    bool may_store_for_speed() const noexcept { return prefer_speed_ && method_ == compression::sampled; }
    error_code begin_blocks(bytes_view window);
    result<std::size_t> deflate_blocks(mutable_bytes out, content_reader& content);
    void start_stored() noexcept;
    void hold_header(bool deflated) noexcept;
    void hold(bytes_view bytes) noexcept;

    compression method_;
    int level_;
    unsigned threads_;
    phase phase_ = phase::done;
    std::uint64_t size_ = 0;
    std::uint64_t left_ = 0;         // content not yet taken from the reader
    std::uint64_t stretch_left_ = 0; // content until the next decision
    std::uint64_t stretch_in_ = 0;   // of the deflated stretch: its content, and its deflated size
    std::uint64_t stretch_out_ = 0;
    std::uint32_t adler_ = 1;
    std::uint32_t block_left_ = 0; // of the stored block
    bool last_block_ = false;
    bool prefer_speed_ = false;
    std::uint64_t fast_stretch_; // size of the next stretch that is stored for speed
    bool first_sample_ = true;
    bool stored_next_ = false;    // the deflated bytes are being flushed; stored blocks follow
    bool blocks_next_ = false;    // the same; blocks of the parallel_deflater follow
    std::array<byte, 8> small_{}; // headers and the checksum, before they are read
    std::size_t small_begin_ = 0;
    std::size_t small_end_ = 0;
    std::unique_ptr<engine> engine_;
};

} // namespace parley
