// Takes a pack stream (PROTOCOL.md section 8) apart as it arrives. Uses no disk and a fixed amount of memory,
// about 300 KiB.
//
//     pack = head (12) || entries || SHA-1 of everything before (20) || anything
#pragma once

#include "payload/format/entry_codec.hpp"
#include "payload/in/inflater.hpp"

#include <parley/base/bytes.hpp>
#include <parley/base/error.hpp>
#include <parley/crypto/sha1.hpp>

#include <memory>
#include <string_view>

namespace parley {

// Receives what the reader finds, in order: begin_pack; for each entry begin_entry, content any number of
// times and end_entry; then end_pack. An error ends the reading.
class pack_sink {
public:
    virtual ~pack_sink() = default;
    virtual error_code begin_pack(std::uint32_t entries) = 0;
    // `number` counts from 0; `offset` is where the entry begins in the stream.
    virtual error_code begin_entry(const entry_header& header, std::uint32_t number,
                                   std::uint64_t offset) = 0;
    // The next inflated bytes of the entry. In all there are exactly header.size bytes.
    virtual error_code content(bytes_view bytes) = 0;
    // Called after begin_entry(). Returns a hash that the reader updates with each piece of content before it
    // hands the piece over, or null. Two hashes at once cost little more than one.
    virtual sha1* content_hash() { return nullptr; }
    virtual error_code end_entry() = 0;
    // All announced entries have arrived and the SHA-1 is correct.
    virtual error_code end_pack() = 0;
};

// The reader. Not thread-safe.
class pack_reader {
public:
    pack_reader();

    // Takes the next bytes, in any split, and reports to `sink`. Discards what follows the trailer. Errors:
    // pack_bad_signature, pack_bad_version, pack_bad_entry, pack_bad_compression, pack_size_mismatch,
    // pack_bad_trailer, and those of the sink. After an error it takes no more.
    error_code write(bytes_view bytes, pack_sink& sink);

    bool ended() const noexcept { return state_ == state::ended; }
    // Whether the reader is inside the announced entries. Then number and offset are those of the entry begun
    // last.
    bool in_entry() const noexcept { return state_ == state::header || state_ == state::content; }
    std::uint32_t entries() const noexcept { return entries_; }
    std::uint32_t entry_number() const noexcept { return number_; }
    std::uint64_t entry_offset() const noexcept { return entry_offset_; }
    std::uint64_t taken() const noexcept { return taken_; }
    // What the reader's own last error was about, in a few words without text from the peer.
    std::string_view problem() const noexcept { return problem_; }

private:
    enum class state { head, header, content, trailer, ended };

    error_code advance(bytes_view& in, pack_sink& sink);
    error_code take_head(bytes_view& in, pack_sink& sink);
    error_code take_header(bytes_view& in, pack_sink& sink);
    error_code take_content(bytes_view& in, pack_sink& sink);
    error_code take_trailer(bytes_view& in, pack_sink& sink);
    error_code take_stored(bytes_view stored, bytes_view in, pack_sink& sink);
    error_code hand_over(bytes_view content, pack_sink& sink);
    error_code hand_over_buffer(pack_sink& sink);
    void hash_stream_to(const byte* end);
    error_code fail(errc code, std::string_view problem);
    void next_entry();

    static constexpr std::size_t buffer_bytes = 128 * 1024;
    static constexpr std::size_t small_piece_bytes = 4096; // stored pieces up to this size are collected

    sha1 hash_;
    inflater inflater_;
    entry_header_parser header_parser_;
    std::unique_ptr<byte[]> buffer_; // inflated bytes that the sink has not seen
    std::size_t buffered_ = 0;
    sha1* content_hash_ = nullptr;   // of the entry under way
    const byte* unhashed_ = nullptr; // how far the stream is hashed, in the current bytes
    // The part of the head, later of the trailer, that has arrived.
    std::array<byte, pack_trailer_bytes> fixed_{};
    std::size_t fixed_bytes_ = 0;
    std::uint64_t left_ = 0; // of the entry's announced size
    std::uint64_t taken_ = 0;
    std::uint64_t entry_offset_ = 0;
    std::uint32_t entries_ = 0;
    std::uint32_t number_ = 0;
    bool header_begun_ = false;
    state state_ = state::head;
    error_code failure_;
    std::string_view problem_;
};

} // namespace parley
