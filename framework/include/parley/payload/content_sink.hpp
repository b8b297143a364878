// Where a receiver of session version 2 puts a document (SESSION2.md sections 7 to 9).
#pragma once

#include <parley/base/result.hpp>
#include <parley/proto/document_outline.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace parley {

// A file of which the sink has the first bytes.
struct kept_part {
    std::uint32_t entry = 0;
    std::uint64_t offset = 0; // 1 to the size of the entry
    blake2b_256_digest digest{};
    friend bool operator==(const kept_part&, const kept_part&) = default;
};

// What a sink has room for, for the question to the user.
struct sink_preview {
    std::filesystem::path place; // where the document will be; empty when it goes to no file
    std::string other_name;      // its name there if the offered one is taken and another one is allowed
    std::uint64_t free_bytes = unknown_size;
};

struct stored_document {
    std::filesystem::path path; // of the document, or the folder of several items; may be empty
    std::vector<std::filesystem::path> placed; // each item
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t links = 0;
    std::uint64_t content_bytes = 0;
};

// Takes a document, one file at a time, and puts it into its place at the end. All functions may block. The owner
// calls them from one thread at a time, in this order:
//
//     preview ─▶ begin ─▶ (open ─▶ write... ─▶ close)... ─▶ commit
//                  ▲                    └── the connection breaks: interrupt
//                  └──────────────────────────┘
//
// After an error, fault() says what was wrong, for both sides. Files of which the sink has all bytes are not opened
// again.
class content_sink {
public:
    virtual ~content_sink() = default;

    // The offer is known, and the user is not asked yet. Says whether it can be taken: reasons no_space,
    // destination_exists, file_failed, bad_entry, and refused_by_user for what this user does not take at all. Leaves
    // nothing behind. Called once in a run.
    virtual result<sink_preview> preview(std::shared_ptr<const document_outline> document) = 0;
    // The user has agreed; or the document is continued after interrupt(). Returns the files of which the sink has a
    // part, with ascending numbers. Digests come from what is read there.
    virtual result<std::vector<kept_part>> begin() = 0;
    // The bytes of entry `number` follow, from `offset` on: 0, or what begin() has returned for it. What is there
    // from that byte on is dropped.
    virtual error_code open(std::uint32_t number, std::uint64_t offset) = 0;
    virtual error_code write(bytes_view bytes) = 0;
    // The open file is complete.
    virtual error_code close() = 0;
    // Everything has come: puts the document into its place. destination_exists leaves what has come where fault()
    // says.
    virtual result<stored_document> commit() = 0;
    // The connection is gone. What has come stays as it is, for begin().
    virtual void interrupt() noexcept {}
    // Nothing follows. With `keep`, what has come may be found again by a later run; without, it is removed. After
    // commit() it has no effect.
    virtual void end(bool keep) noexcept { (void)keep; }
    // What the last error means to the other side. Hostile text in it is not escaped.
    virtual const document_fault& fault() const noexcept = 0;
};

} // namespace parley
