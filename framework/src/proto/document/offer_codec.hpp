// The bytes of an offer and of its entries (SESSION2.md section 7).
#pragma once

#include "proto/document/document_message.hpp"

#include <parley/proto/document_outline.hpp>

namespace parley {

// Appends the body of the offer. Its name has at most 255 bytes.
inline void append_offer(byte_vector& out, const document_offer& offer)
{
    append_number(out, static_cast<byte>(offer.kind));
    append_bytes(out, offer.id);
    append_text<std::uint16_t>(out, offer.name);
    append_number(out, offer.files);
    append_number(out, offer.directories);
    append_number(out, offer.bytes);
}

// Reads a whole body. The kind may be any number. `body` tells whether the form is right.
inline document_offer read_offer(body_reader& body)
{
    document_offer out;
    out.kind = static_cast<document_kind>(body.number<byte>());
    out.id = body.array<document_id_bytes>();
    out.name = body.text<std::uint16_t>();
    out.files = body.number<std::uint64_t>();
    out.directories = body.number<std::uint64_t>();
    out.bytes = body.number<std::uint64_t>();
    return out;
}

// Appends one entry. Its path and target have at most max_entry_path_bytes.
inline void append_entry(byte_vector& out, const document_entry& entry)
{
    append_number(out, static_cast<byte>(entry.kind));
    append_text<std::uint16_t>(out, entry.path);
    append_number(out, entry.mode);
    append_number(out, static_cast<std::uint64_t>(entry.modified));
    append_number(out, entry.size);
    append_text<std::uint16_t>(out, entry.target);
}

// Reads the next entry. It borrows its texts from the body.
inline document_entry read_entry(body_reader& body) noexcept
{
    document_entry out;
    out.kind = static_cast<entry_kind>(body.number<byte>());
    out.path = body.text<std::uint16_t>();
    out.mode = body.number<std::uint16_t>();
    out.modified = static_cast<std::int64_t>(body.number<std::uint64_t>());
    out.size = body.number<std::uint64_t>();
    out.target = body.text<std::uint16_t>();
    return out;
}

} // namespace parley
