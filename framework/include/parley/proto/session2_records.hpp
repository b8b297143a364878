// One direction of a session of version 2 as records (SESSION2.md section 3): framing, sequence numbers, and
// a new key after every 2^22 records. session2_machine.hpp knows what the records mean.
//
//     record = u24be n || ciphertext (n) || tag (16)        plaintext = u8 type || content
#pragma once

#include <parley/proto/session2_framer.hpp>

namespace parley {

// The types that have a meaning. The value is the byte on the wire.
enum class record_type : byte { data = 0, end = 1, ping = 2, hello = 3, abort = 4 };

inline constexpr std::size_t max_session2_content_bytes = max_session2_record_content_bytes - 1;

// The writer of one direction. Not thread-safe.
class session2_record_writer {
public:
    // `position` is how many records the direction has had. Errors: record_layout_impossible (AES-256-CCM),
    // crypto_unavailable.
    static result<session2_record_writer> create(cipher c, const direction_key& key,
                                                 std::uint64_t position = 0) noexcept;
    // Of records that are sealed elsewhere (session2_framer.hpp).
    static session2_record_writer unsealed() noexcept { return session2_record_writer{std::nullopt}; }

    // Appends the record of `content` (at most 65536 bytes) to `out`: 20 bytes more than the content, or 4 where
    // it is not sealed. Errors: record_too_long, crypto_unavailable. After an error `out` is as before.
    error_code append(record_type type, bytes_view content, byte_vector& out);

private:
    explicit session2_record_writer(std::optional<record_cipher> c) noexcept : cipher_(std::move(c)) {}
    std::optional<record_cipher> cipher_;
    std::uint64_t sequence_ = 0;
};

// The reader of one direction. Accepts any split of the stream. Holds one record (64 KiB), allocated at
// construction, and wipes it. Does not copy a record that is whole in the input before it opens it. Not
// thread-safe.
class session2_record_reader {
public:
    // `position` and errors are those of the writer.
    static result<session2_record_reader> create(cipher c, const direction_key& key,
                                                 std::uint64_t position = 0);
    // Of records that were opened elsewhere (session2_framer.hpp).
    static session2_record_reader unsealed() { return session2_record_reader{std::nullopt}; }

    struct record {
        record_type type{}; // any byte
        bytes_view content; // valid until the next call
    };
    // Takes bytes from the front of `input` until one record is complete or `input` is empty; gives none when
    // it needs more. Errors: record_bad_length, record_damaged, crypto_unavailable; `diag` gets the words.
    // After an error every call returns it.
    result<std::optional<record>> read(bytes_view& input, diagnostics* diag = nullptr);

private:
    explicit session2_record_reader(std::optional<record_cipher> c)
        : cipher_(std::move(c)), framer_(cipher_ ? record_tag_bytes : 0)
    {
    }

    std::optional<record_cipher> cipher_;
    session2_record_framer framer_;
    std::uint64_t sequence_ = 0;
};

} // namespace parley
