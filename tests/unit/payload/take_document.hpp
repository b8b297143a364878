// Takes a document from a source as a sender does.
#pragma once

#include "unit/payload/sample_content.hpp"

#include <parley/payload/content_source.hpp>

#include <gtest/gtest.h>

namespace parley_test {

// Reads the open file to its end.
inline parley::result<std::string> take_rest(parley::content_source& source, std::size_t read_size = 4096)
{
    std::string out;
    parley::byte_vector piece(read_size);
    for (;;) {
        const auto n = source.read(piece);
        if (!n) return n.error();
        if (*n == 0) return out;
        out += parley::as_text(parley::bytes_view(piece).first(*n));
    }
}

// Opens a file, reads it and closes it.
inline parley::result<std::string> take_file(parley::content_source& source, std::uint32_t number,
                                             std::uint64_t offset = 0, std::size_t read_size = 4096)
{
    if (const auto error = source.open(number, offset)) return error;
    auto out = take_rest(source, read_size);
    if (!out) return out;
    if (const auto error = source.close()) return error;
    return out;
}

// Puts all entries into another outline, as a receiver does, and compares the two.
inline void expect_receivers_take(const parley::document_outline& offered)
{
    using namespace parley;
    const document_offer& offer = offered.offer();
    const auto refused = document_outline::check(offer.kind, offer.name);
    EXPECT_FALSE(refused) << refused->text;
    document_outline received(offer.kind, offer.id, offer.name);
    for (std::uint32_t i = 0; i < offered.entries().size(); ++i) {
        const entry_list::entry e = offered.entries().at(i);
        const std::string path = offered.entries().path(i);
        document_entry entry;
        entry.kind = e.kind;
        entry.path = path;
        entry.mode = e.mode;
        entry.modified = e.modified;
        entry.size = e.size;
        entry.target = e.target;
        const auto fault = received.add(entry);
        ASSERT_FALSE(fault) << fault->text;
    }
    const auto fault = received.complete();
    EXPECT_FALSE(fault) << fault->text;
    EXPECT_EQ(received.offer(), offer);
    EXPECT_EQ(received.digest(), offered.digest());
}

// The number of the entry at `path`.
inline std::uint32_t entry_at(const parley::document_outline& outline, std::string_view path)
{
    for (std::uint32_t i = 0; i < outline.entries().size(); ++i)
        if (outline.entries().path(i) == path) return i;
    throw std::runtime_error("no entry " + std::string(path));
}

} // namespace parley_test
