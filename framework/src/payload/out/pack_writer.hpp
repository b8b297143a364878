// Writes the frame of a PACK stream (PROTOCOL.md section 8): head, entries one after another, SHA-1.
//
//     "PACK" || u32be 2 || u32be number of entries                          12 bytes
//     entry*: header (1..10 bytes), [distance to the base], zlib stream
//     SHA-1 of all of it                                                    20 bytes
#pragma once

#include "payload/format/entry_codec.hpp"
#include "payload/out/content_reader.hpp"
#include "payload/out/deflater.hpp"

#include <parley/base/result.hpp>

namespace parley {

// The longest content for which copy_delta() makes a delta: its offsets have four bytes.
inline constexpr std::uint64_t max_copy_bytes = UINT32_MAX;

// Git's delta that copies a whole base of `size` (1..max_copy_bytes) bytes. It has at most 2 KiB.
byte_vector copy_delta(std::uint64_t size);

// Works in steps: begin_pack(), then begin_entry() or begin_copy() for each announced entry, then end_pack().
// Begin a step only when idle(). read() hands out the bytes of a step. Not thread-safe.
class pack_writer {
public:
    // The arguments of the deflater.
    pack_writer(compression method, int level, unsigned threads = 1) : deflater_(method, level, threads) {}

    // Begins with the head, which announces `entries`.
    void begin_pack(std::uint32_t entries);
    // Begins an entry with `size` bytes of `content`, which it borrows until idle(). `kind` is not a delta.
    void begin_entry(pack_entry_kind kind, std::uint64_t size, content_reader& content);
    // Begins an entry that equals the one of `size` (1..max_copy_bytes) bytes that began at `base`.
    void begin_copy(std::uint64_t base, std::uint64_t size);
    // Begins the trailer.
    void end_pack();

    // As deflater::prefer_speed().
    void prefer_speed(bool now) noexcept { deflater_.prefer_speed(now); }
    // Writes the next bytes of the step: fills `out`, or writes all that are left, or fewer as the deflater
    // does. Errors: the content's own, not_enough_memory.
    result<std::size_t> read(mutable_bytes out);

    // Whether all bytes of the step have been read.
    bool idle() const noexcept { return frame_begin_ == frame_end_ && content_ == nullptr; }

    // The number of bytes read so far; when idle(), where the next entry will begin.
    std::uint64_t position() const noexcept { return position_; }
    // How many bytes of the entry's content are taken; 0 when idle().
    std::uint64_t content_bytes_taken() const noexcept;

private:
    void frame(bytes_view bytes);

    deflater deflater_;
    sha1 stream_hash_;
    std::uint64_t position_ = 0;
    content_reader* content_ = nullptr;
    std::array<byte, max_entry_header_bytes + max_base_distance_bytes> frame_{};
    std::size_t frame_begin_ = 0;
    std::size_t frame_end_ = 0;
    byte_vector delta_;
    memory_content delta_content_;
};

} // namespace parley
