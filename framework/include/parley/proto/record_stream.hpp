// A room's bytes as records (PROTOCOL.md section 7): framing, sequence numbers, the end record, and detection
// of the nonce layout.
#pragma once

#include <parley/crypto/record_cipher.hpp>

#include <memory>
#include <optional>

namespace parley {

// The writer of one direction. Not thread-safe.
class record_writer {
public:
    // Errors: record_layout_impossible, crypto_unavailable.
    static result<record_writer> create(cipher c, record_layout layout, const spoke_key& key) noexcept;

    // Writes `content` as records of at most 0x7fff bytes to `out`, which has room for
    // sealed_bytes(content.size()). Returns the number of bytes written. Errors: record_sequence_exhausted.
    result<std::size_t> write(bytes_view content, mutable_bytes out) noexcept;

    // The size of the records of `content` bytes.
    static constexpr std::size_t sealed_bytes(std::size_t content) noexcept
    {
        const std::size_t records = (content + max_record_content_bytes - 1) / max_record_content_bytes;
        return content + records * (record_header_bytes + record_tag_bytes);
    }

    // The number of records written.
    std::uint64_t sequence() const noexcept { return sequence_; }

private:
    explicit record_writer(record_cipher&& c) noexcept : cipher_(std::move(c)) {}
    record_cipher cipher_;
    std::uint64_t sequence_ = 0;
};

// The four bytes that end a stream of records. They are not authenticated, so they prove nothing.
inline constexpr std::array<byte, 4> record_end_bytes{0xff, 0xff, 0xff, 0xff};

// The reader of one direction. Accepts any split of the stream, and detects the layout from the first record.
// Holds one record (32 KiB; twice that until the layout is known), allocated at construction, and wipes it.
// Opens a record that is whole in the input without copying it first. Not thread-safe.
class record_reader {
public:
    // Errors: crypto_unavailable.
    static result<record_reader> create(cipher c, const spoke_key& key);

    struct content {
        bytes_view bytes;   // opened content, valid until the next call; empty when it needs more input
        bool ended = false; // the end record has come: there is no more content
    };
    // Takes bytes from the front of `input` until one record is complete or `input` is empty. Checks, counts
    // and skips empty records. Takes and discards everything after the end. After an error every call returns
    // it. Errors: record_too_long, record_forged, record_sequence_exhausted, crypto_unavailable.
    result<content> read(bytes_view& input) noexcept;
    // The same, but writes the content to the front of `out`, which has room for max_record_content_bytes.
    result<content> read(bytes_view& input, mutable_bytes out) noexcept;

    // The layout, once the first record has shown it.
    std::optional<record_layout> layout() const noexcept { return layout_; }
    std::uint64_t sequence() const noexcept { return sequence_; }

private:
    struct wiping_delete {
        void operator()(byte* bytes) const noexcept;
    };
    using record_buffer = std::unique_ptr<byte[], wiping_delete>; // max_record_bytes

    record_reader() noexcept = default;
    result<content> read_to(bytes_view& input, mutable_bytes out) noexcept;
    result<bytes_view> open(bytes_view body, mutable_bytes out) noexcept;
    void settle(record_layout layout) noexcept;
    error_code fail(error_code why) noexcept;

    std::unique_ptr<record_cipher> current_, original_;
    std::optional<record_layout> layout_;
    record_buffer buffer_;
    record_buffer trial_;  // until the layout is known
    std::size_t size_ = 0; // bytes of an unfinished record at the front of the buffer
    std::uint64_t sequence_ = 0;
    error_code error_;
    bool ended_ = false;
};

} // namespace parley
