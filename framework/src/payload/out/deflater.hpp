// One zlib stream after another, pulled: contents that shrink are deflated, the others are put into stored
// blocks at the speed of a copy, and a long content may change between the two.
#pragma once

#include "payload/out/content_reader.hpp"

#include <parley/base/result.hpp>
#include <parley/payload/document_source.hpp>

#include <array>
#include <memory>

namespace parley {

// Writes zlib streams (RFC 1950). Holds some 420 KiB once something was deflated, nothing to speak of when
// all is stored, and a parallel_deflater once a long content was deflated. Not thread-safe.
//
// `sampled` works like this: what fits a sample (64 KiB) is deflated, and stored when that made it no
// smaller. Of a longer content the first sample is deflated; it goes on so when the sample shrank by a
// twentieth at least, else stored. It changes its mind where the content does: a deflated stretch of 1 MiB
// that shrank too little is followed by stored ones, and a stored stretch of 8 MiB by another sample.
//
// Where a stretch shrank, and from the start with `always`, what follows is deflated in blocks if it has 4
// MiB or more. Of them too each MiB is judged, when the next nine blocks have been put in after its last.
class deflater {
public:
    static constexpr std::size_t sample_bytes = 64 * 1024;

    // `level` and `threads` as in source_options; anything outside 1..9 becomes the nearest level.
    deflater(compression method, int level, unsigned threads = 1);
    deflater(deflater&&) noexcept;
    deflater& operator=(deflater&&) noexcept;
    ~deflater();

    // Begins the zlib stream of a content of `size` bytes; what was left of the one before is forgotten.
    void start(std::uint64_t size) noexcept;

    // Whether from here on it matters more that bytes come soon than that they are few: `sampled` then stores
    // what it would have deflated, and takes another sample after the MiB, the next time after two, and so on
    // up to eight.
    void prefer_speed(bool now) noexcept { prefer_speed_ = now; }

    // The next bytes of the stream: as many as `out` holds, fewer only when the stream ends with them. Takes
    // from `content` what it needs, never more than the size. Errors: those of `content`, not_enough_memory.
    result<std::size_t> read(mutable_bytes out, content_reader& content);

    // Whether the whole stream was read.
    bool finished() const noexcept;

    // How much of the content has been taken, without what is in blocks of which not all was read.
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
    std::uint64_t stretch_left_ = 0; // content until the next look at whether it shrinks
    std::uint64_t stretch_in_ = 0;   // of the deflated stretch: content, and what it came to
    std::uint64_t stretch_out_ = 0;
    std::uint32_t adler_ = 1;
    std::uint32_t block_left_ = 0; // of the stored block
    bool last_block_ = false;
    bool prefer_speed_ = false;
    std::uint64_t fast_stretch_; // content of the next one that is stored for speed
    bool first_sample_ = true;
    bool stored_next_ = false;    // what was deflated is being flushed, stored blocks follow
    bool blocks_next_ = false;    // the same, and a crew's blocks follow
    std::array<byte, 8> small_{}; // headers and the checksum, on their way out
    std::size_t small_begin_ = 0;
    std::size_t small_end_ = 0;
    std::unique_ptr<engine> engine_;
};

} // namespace parley
