// Where a sender of session version 2 takes a document from (SESSION2.md sections 6 to 9).
#pragma once

#include <parley/base/result.hpp>
#include <parley/proto/document_outline.hpp>

#include <memory>

namespace parley {

// Lists a document, then gives the content of its files, one file at a time, in any order and any number of
// times: a transfer that is continued asks for a file again. All functions may block. The owner calls them from one
// thread at a time.
//
// After an error, fault() says for both sides what was wrong. It names the entry by its path in the document.
class content_source {
public:
    virtual ~content_source() = default;

    // Takes note of what there is now. The owner calls it once, before all else. The outline is complete.
    virtual result<std::shared_ptr<const document_outline>> list() = 0;
    // Begins with the content of entry `number`, which is a file, at byte `offset`, which is not above its size; of a
    // stream, not above what read() has given so far. Closes the file before. Errors: document_changed (the file is
    // not what was listed), cancelled, invalid_argument (the source never offered that), the system's own.
    virtual error_code open(std::uint32_t number, std::uint64_t offset) = 0;
    // Writes the next bytes of the open file to `out`, which is not empty. Returns their number; 0 at its end. A
    // stream without a known size may return what it has. Errors: document_changed (the file has more or fewer bytes
    // than were listed), cancelled (after stop()), the system's own.
    virtual result<std::size_t> read(mutable_bytes out) = 0;
    // The file was sent. Errors: document_changed when it is not what was listed.
    virtual error_code close() = 0;
    // Lets the functions above fail with `cancelled` soon. From any thread.
    virtual void stop() noexcept {}
    // Ends that. The owner calls it while no other function runs.
    virtual void resume() noexcept {}
    // After list(): another reader of the same document, with the same outline, for a second receiver at the same time. Null:
    // there can only be one. This source must outlive it.
    virtual std::unique_ptr<content_source> another() const { return nullptr; }
    // What the last error means to the other side. Hostile text in it is not escaped.
    virtual const document_fault& fault() const noexcept = 0;
};

} // namespace parley
