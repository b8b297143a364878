// The records of session version 2 (SESSION2.md section 3) apart from their ciphers, for an owner whose cipher is
// elsewhere and asynchronous, such as a browser's. session2_records.hpp is for all others.
//
//     transport ─▶ session2_record_framer ─▶ open elsewhere ─▶ unsealed records ─▶ session2_machine
//     session2_machine ─▶ session2_record_framer{0} ─▶ seal elsewhere ─▶ transport
//
//     unsealed record = u24be n || u8 type || content (n - 1)
//
// A nonce comes from session2_record_numbers, one a record. The associated data is the header. So the owner may have
// many records under way, as long as it keeps their order.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/crypto/record_cipher.hpp>

#include <memory>
#include <optional>

namespace parley {

inline constexpr std::uint64_t session2_records_per_key = std::uint64_t{1} << 22;

// Cuts a stream into records. Accepts any split of it. Holds one record (64 KiB), allocated at construction, and
// wipes it. Does not copy the body of a record that is whole in the input. Not thread-safe.
class session2_record_framer {
public:
    // Each record ends with a tag of `tag_bytes`, at most record_tag_bytes: none where it is not sealed.
    explicit session2_record_framer(std::size_t tag_bytes = record_tag_bytes);

    // Valid until the next call.
    struct frame {
        bytes_view header;     // session2_record_header_bytes
        bytes_view body;       // ciphertext and tag; may stand in the input
        mutable_bytes content; // memory for the n bytes of the plaintext; may be where the body begins
    };
    // Takes bytes from the front of `input` until one record is complete or `input` is empty; gives none when
    // it needs more. Errors: record_bad_length, and `diag` gets the words; that of fail().
    result<std::optional<frame>> next(bytes_view& input, diagnostics* diag = nullptr);

    // Wipes the memory. From now on next() returns `why`, which is set. Returns it.
    error_code fail(error_code why) noexcept;

private:
    struct wiping_delete {
        void operator()(byte* bytes) const noexcept;
    };

    std::unique_ptr<byte[], wiping_delete> buffer_; // max_session2_record_bytes
    std::size_t tag_bytes_;
    std::size_t size_ = 0; // bytes of an unfinished record at the front of the buffer
    error_code error_;
};

// The keys and nonces of one direction's records, in their order. Wipes its key. Not thread-safe.
class session2_record_numbers {
public:
    explicit session2_record_numbers(const direction_key& key) noexcept : key_{key.duplicate()} {}

    struct number {
        std::array<byte, base_nonce_bytes> nonce{};
        bool is_first_of_key = false; // key() has changed, or is needed for the first time
    };
    // Of the next record.
    number next() noexcept;
    // Of the record whose number came last: cipher_key_bytes. Valid until the next call.
    bytes_view key() const noexcept { return key_.view().first(cipher_key_bytes); }

private:
    direction_key key_;
    std::uint64_t sequence_ = 0;
};

} // namespace parley
