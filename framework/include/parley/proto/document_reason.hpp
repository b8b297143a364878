// Why a side of a document's transfer gives up (SESSION2.md section 8).
#pragma once

#include <parley/base/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

enum class document_reason : std::uint8_t {
    refused = 0x01,            // by the user
    cancelled = 0x02,          // by the user, or a deadline has passed
    no_space = 0x03,           // or above a limit
    destination_exists = 0x04, // nothing is overwritten
    file_failed = 0x05,        // a file cannot be read or written
    document_changed = 0x06,   // while it was being sent
    not_taken = 0x07,          // a name or an entry
    rule_broken = 0x08,        // a message or record
    protocol = 0x09,           // the two sides do not speak the same one
    internal = 0x0a,           // and every number that has no meaning
};

// The longest text beside a reason on the wire.
inline constexpr std::size_t max_reason_text_bytes = 255;

// The reason of a number on the wire.
document_reason to_document_reason(std::uint8_t number) noexcept;

// What this side reports when the other one gives up for `reason`.
errc to_errc(document_reason reason) noexcept;

// What is wrong with something that a side has, or was sent.
struct document_fault {
    document_reason reason = document_reason::rule_broken;
    // For people on both sides. It may hold a name as it came, so it is escaped where it is shown.
    std::string text;
    friend bool operator==(const document_fault&, const document_fault&) = default;
};

// How a transfer ended without success.
struct document_ending {
    document_reason reason = document_reason::internal;
    std::string text;     // to be escaped where it is shown
    bool by_peer = false; // the other side gave up, not this one
    friend bool operator==(const document_ending&, const document_ending&) = default;
};

} // namespace parley
