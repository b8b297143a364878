// Where in the stream each object stands that was sent, so that an equal one need not be sent again.
#pragma once

#include "payload/format/object_id.hpp"

#include <optional>
#include <unordered_set>
#include <vector>

namespace parley {

// A hash table of object ids and offsets: 28 bytes an object, twice that at most for the free places. Not
// thread-safe.
class sent_objects {
public:
    // Offset of the entry with the object's full content, if it was sent.
    std::optional<std::uint64_t> find(const object_id& id) const noexcept;
    // Remembers it; `offset` is not 0, and the object is not yet known.
    void add(const object_id& id, std::uint64_t offset);

    // Whether this is the first content of this size; remembers it. For large files only: hashing one before
    // it is sent pays only when an equal one may have been.
    bool first_of_size(std::uint64_t size) { return large_sizes_.insert(size).second; }

private:
    struct place {
        object_id id;
        std::array<byte, 8> offset; // all zero: free
    };
    static_assert(sizeof(place) == 28);

    static std::uint64_t offset_of(const place& p) noexcept
    {
        return load_be<std::uint64_t>(p.offset.data());
    }
    std::size_t place_of(const object_id& id) const noexcept;

    std::vector<place> places_; // a power of two of them, or none
    std::size_t count_ = 0;
    std::unordered_set<std::uint64_t> large_sizes_;
};

} // namespace parley
