// Why a side of a session gives up (SESSION2.md section 8): the reason in `abort`, `refuse` and `error`.
#pragma once

#include <parley/base/bytes.hpp>

namespace parley {

// The value is the byte on the wire.
enum class session_reason : byte {
    refused_by_user = 0x01,
    cancelled = 0x02,
    no_space = 0x03, // or above a limit
    destination_exists = 0x04,
    file_failed = 0x05, // a file cannot be read or written
    document_changed = 0x06,
    bad_entry = 0x07,   // a name or an entry that is not taken
    broken_rule = 0x08, // a message or record that breaks the rules
    protocol = 0x09,
    internal = 0x0a,
};

// The reason of a byte; internal for an unknown one.
constexpr session_reason to_session_reason(byte value) noexcept
{
    return value == 0 || value > static_cast<byte>(session_reason::internal)
               ? session_reason::internal
               : static_cast<session_reason>(value);
}

} // namespace parley
