// Why a side of a document's transfer gives up (SESSION2.md section 8).
#pragma once

#include <parley/base/error.hpp>
#include <parley/proto/session_reason.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// The longest text beside a reason on the wire.
inline constexpr std::size_t max_reason_text_bytes = 255;

// What this side reports when the other one gives up for `reason`.
errc to_errc(session_reason reason) noexcept;

// Whether a sender waits on for another receiver when one has ended with `error` (SESSION2.md section 9). `was_sent`:
// that one had everything, and has kept what it could.
bool may_suit_another_receiver(const error_code& error, bool was_sent) noexcept;

// What is wrong with something that a side has, or was sent.
struct document_fault {
    session_reason reason = session_reason::broken_rule;
    // For people on both sides. It may hold a name as it came, so it is escaped where it is shown.
    std::string text;
    friend bool operator==(const document_fault&, const document_fault&) = default;
};

// How a transfer ended without success.
struct document_ending {
    session_reason reason = session_reason::internal;
    std::string text;     // to be escaped where it is shown
    bool by_peer = false; // the other side gave up, not this one
    friend bool operator==(const document_ending&, const document_ending&) = default;
};

} // namespace parley
