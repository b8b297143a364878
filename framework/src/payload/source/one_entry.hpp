// The outline of a document that has one entry and no place on the disk.
#pragma once

#include <parley/base/random.hpp>
#include <parley/proto/document_outline.hpp>

namespace parley {

// `name` has been checked, and so has `size`.
inline std::shared_ptr<const document_outline> outline_of_one(document_kind kind, std::string name,
                                                              std::uint64_t size, random_source& random)
{
    document_id id;
    random.fill(id);
    auto out = std::make_shared<document_outline>(kind, id, std::move(name));
    document_entry entry;
    entry.mode = 0666; // the receiver's umask decides
    entry.size = size;
    out->add(entry);
    return out;
}

} // namespace parley
