// The open directories of a document's tree.
#pragma once

#include "payload/disk/guarded_directory.hpp"

#include <parley/proto/document_outline.hpp>

#include <array>

namespace parley {

// Opens the directories of a document below a root, never through a link, and keeps the last ones open: the entries of
// a document come in order, so most files find their directory here. Not thread-safe.
class entry_directories {
public:
    // Both outlive it.
    entry_directories(const entry_list& entries, const guarded_directory& root) noexcept
        : entries_(&entries), root_(&root)
    {
    }

    // The directory of the entry `number`, or the root for top_entry. Valid until the next call. Errors: the system's
    // own.
    result<const guarded_directory*> open(std::uint32_t number);

private:
    struct slot {
        std::uint32_t number = top_entry;
        std::uint64_t used = 0;
        guarded_directory directory;
    };
    slot* find(std::uint32_t number) noexcept;

    const entry_list* entries_;
    const guarded_directory* root_;
    std::array<slot, 16> slots_;
    std::uint64_t clock_ = 0;
};

} // namespace parley
