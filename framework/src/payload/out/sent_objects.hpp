// Where in the stream each object stands that was sent, so that an equal one need not be sent again.
#pragma once

#include "payload/format/object_id.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <optional>

namespace parley {

// 38 to 76 bytes an object, the free places of the table included. Not thread-safe.
class sent_objects {
public:
    // Offset of the entry with the object's full content, if it was sent.
    std::optional<std::uint64_t> find(const object_id& id) const noexcept
    {
        const auto found = offsets_.find(id);
        return found == offsets_.end() ? std::nullopt : std::optional{found->second};
    }
    // Remembers it; the object is not yet known.
    void add(const object_id& id, std::uint64_t offset) { offsets_.emplace(id, offset); }

    // Whether this is the first content of this size; remembers it. For large files only: hashing one before
    // it is sent pays only when an equal one may have been.
    bool first_of_size(std::uint64_t size) { return large_sizes_.insert(size).second; }

private:
    // The ids are hashes themselves.
    struct first_bytes_of_id {
        using is_avalanching = void;
        std::size_t operator()(const object_id& id) const noexcept
        {
            return load_be<std::uint64_t>(id.data());
        }
    };

    boost::unordered_flat_map<object_id, std::uint64_t, first_bytes_of_id> offsets_;
    boost::unordered_flat_set<std::uint64_t> large_sizes_;
};

} // namespace parley
