// The contents of records of session version 2 that have a form: hello and abort (SESSION2.md sections 3 and
// 4).
//
//     hello     = text8 protocol || text8 software || u8 number of extensions || extensions
//     extension = u8 id || u16be length || bytes
//     abort     = u8 reason || text8
//     text8     = u8 length || UTF-8
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>
#include <parley/proto/session_reason.hpp>

#include <string>

namespace parley {

inline constexpr std::size_t max_protocol_name_bytes = 64;
inline constexpr std::size_t max_software_bytes = 64;
inline constexpr std::size_t max_extensions_bytes = 4095; // with their ids and lengths

// What a side says of itself first. No extension is defined: those of the other side are checked and ignored.
struct session2_hello {
    std::string protocol; // what the stream is used for
    std::string software; // for logs. Escape the other side's before it is shown
    friend bool operator==(const session2_hello&, const session2_hello&) = default;
};

// Why the other side gave up.
struct session2_abort {
    session_reason reason = session_reason::internal;
    std::string text; // Escape the other side's before it is shown
    friend bool operator==(const session2_abort&, const session2_abort&) = default;
};

// Whether `name` is 1 to 64 bytes of a-z, 0-9, '.' and '-'.
bool is_protocol_name(std::string_view name) noexcept;

// The content of a hello. `hello.protocol` is a protocol name. A software name of more than 64 bytes is cut
// between characters, and before what is not UTF-8.
byte_vector encode(const session2_hello& hello);
// The content of an abort. The text is cut likewise, to 255 bytes.
byte_vector encode(const session2_abort& abort);

// Reads a content. Errors: bad_record, and `diag` says what is wrong.
result<session2_hello> parse_hello(bytes_view content, diagnostics* diag = nullptr);
result<session2_abort> parse_abort(bytes_view content, diagnostics* diag = nullptr);

} // namespace parley
