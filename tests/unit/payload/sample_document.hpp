// Documents of session version 2 for tests, and the conversation of an owner with a sink.
#pragma once

#include "unit/payload/sample_content.hpp"

#include <parley/payload/content_sink.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace parley_test {

struct sample_entry {
    parley::entry_kind kind;
    std::string path;
    std::string content; // of a link its target
    std::uint16_t mode = 0;
    std::int64_t modified = parley::unknown_time;
};

inline sample_entry sample_file(std::string path, std::string content, std::uint16_t mode = 0644,
                                std::int64_t modified = parley::unknown_time)
{
    return {parley::entry_kind::file, std::move(path), std::move(content), mode, modified};
}
inline sample_entry sample_directory(std::string path, std::uint16_t mode = 0755,
                                     std::int64_t modified = parley::unknown_time)
{
    return {parley::entry_kind::directory, std::move(path), {}, mode, modified};
}
inline sample_entry sample_link(std::string path, std::string target)
{
    return {parley::entry_kind::link, std::move(path), std::move(target)};
}

struct sample_document {
    std::shared_ptr<const parley::document_outline> outline;
    std::vector<std::string> contents; // of each entry
};

// The entries are sorted here.
inline sample_document make_sample(parley::document_kind kind, const std::string& name,
                                   std::vector<sample_entry> entries)
{
    const auto key = [](const sample_entry& entry) {
        std::string path = entry.path;
        std::replace(path.begin(), path.end(), '/', '\0');
        return path;
    };
    std::sort(entries.begin(), entries.end(),
              [&](const sample_entry& a, const sample_entry& b) { return key(a) < key(b); });
    EXPECT_FALSE(parley::document_outline::check(kind, name));
    auto outline = std::make_shared<parley::document_outline>(kind, parley::document_id{}, name);
    sample_document out;
    for (const sample_entry& entry : entries) {
        const bool is_link = entry.kind == parley::entry_kind::link;
        const std::uint64_t size = is_link                                 ? 0
                                   : kind == parley::document_kind::stream ? parley::unknown_size
                                                                           : entry.content.size();
        const auto fault = outline->add({entry.kind, entry.path, entry.mode, entry.modified, size,
                                         is_link ? std::string_view(entry.content) : std::string_view()});
        EXPECT_FALSE(fault) << fault->text;
        out.contents.push_back(entry.content);
    }
    EXPECT_FALSE(outline->complete());
    out.outline = std::move(outline);
    return out;
}

inline sample_document sample_tree(std::vector<sample_entry> entries, const std::string& name = "tree")
{
    return make_sample(parley::document_kind::directory, name, std::move(entries));
}
inline sample_document sample_items(std::vector<sample_entry> entries)
{
    return make_sample(parley::document_kind::items, "", std::move(entries));
}
inline sample_document sample_single(const std::string& name, std::string content, std::uint16_t mode = 0644,
                                     std::int64_t modified = parley::unknown_time)
{
    return make_sample(parley::document_kind::file, name,
                       {sample_file("", std::move(content), mode, modified)});
}

struct delivery {
    parley::error_code error;
    std::vector<parley::kept_part> kept;
    std::uint64_t sent = 0;   // bytes of content
    std::uint64_t opened = 0; // files
};

// What an owner does from begin() to the last file, or until `most` bytes have been written.
inline delivery deliver(parley::content_sink& sink, const sample_document& document,
                        std::uint64_t most = UINT64_MAX)
{
    delivery out;
    const auto kept = sink.begin();
    if (!kept) {
        out.error = kept.error();
        return out;
    }
    out.kept = *kept;
    std::size_t next = 0;
    const auto& entries = document.outline->entries();
    for (std::uint32_t number = 0; number < entries.size(); ++number) {
        if (entries.at(number).kind != parley::entry_kind::file) continue;
        const std::string_view content = document.contents[number];
        std::uint64_t at = 0;
        if (next < kept->size() && (*kept)[next].entry == number) {
            const parley::kept_part& part = (*kept)[next++];
            const bool same =
                part.offset <= content.size() &&
                part.digest == parley::hash_blake2b_256(parley::as_bytes(content.substr(0, part.offset)));
            if (same) at = part.offset;
            if (same && at == entries.at(number).size) continue;
        }
        ++out.opened;
        if (out.error = sink.open(number, at); out.error) return out;
        while (at < content.size()) {
            if (most == 0) return out;
            const std::size_t piece = std::min<std::uint64_t>({content.size() - at, 70'000, most});
            if (out.error = sink.write(parley::as_bytes(content.substr(at, piece))); out.error) return out;
            at += piece;
            most -= piece;
            out.sent += piece;
        }
        if (out.error = sink.close(); out.error) return out;
    }
    EXPECT_EQ(next, kept->size()) << "parts of what is no file";
    return out;
}

} // namespace parley_test
