// The incremental reader of a handshake stream (PROTOCOL.md section 2).
#pragma once

#include <parley/wire/packet.hpp>

#include <optional>

namespace parley {

// Cuts a stream of bytes into packets. Accepts any split of the stream into reads, and any number of packets
// in one read. Holds at most one unfinished packet (102 bytes) inline and never allocates. After an error,
// every call returns that error. Not thread-safe.
class packet_parser {
public:
    // Takes bytes from the front of `input` until one packet is complete or `input` is empty, and advances
    // `input` past them. Returns the packet, or nothing when it needs more bytes. Reports a broken rule at
    // the first byte that breaks it: bad_uid_digit, bad_type_digit, unknown_packet_type,
    // identity_unterminated, identity_empty, identity_bad_character, bad_relay_failure_letter,
    // bad_spoke_failure_code.
    result<std::optional<message>> parse(bytes_view& input) noexcept;

    // Call this at the end of the stream. Returns truncated_packet inside a packet, or the earlier error if
    // there was one.
    error_code finish() const noexcept;

    // The number of bytes taken from the stream. After an error, the offset of the offending byte, which
    // stays in the input.
    std::uint64_t offset() const noexcept { return offset_; }

    // Whether the parser holds an unfinished packet.
    bool mid_packet() const noexcept { return size_ != 0; }

private:
    static message decode(const byte* packet, std::size_t size) noexcept;

    std::array<byte, max_packet_bytes> buffer_{};
    byte size_ = 0;
    error_code error_;
    std::uint64_t offset_ = 0;
};

} // namespace parley
