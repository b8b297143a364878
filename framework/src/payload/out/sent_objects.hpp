// Where in the stream each sent object begins, so that an equal one can refer to it.
#pragma once

#include "payload/format/object_id.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <optional>

namespace parley {

// 38 to 76 bytes per object, including the free slots of the table. Not thread-safe.
class sent_objects {
public:
    // The offset of the entry with the object's full content, if it was sent.
    std::optional<std::uint64_t> find(const object_id& id) const noexcept
    {
        const auto found = offsets_.find(id);
        return found == offsets_.end() ? std::nullopt : std::optional{found->second};
    }
    // Remembers an object that is not known yet.
    void add(const object_id& id, std::uint64_t offset) { offsets_.emplace(id, offset); }

    // Whether no content of this size began with the bytes of this id so far; remembers it. For large files
    // only: hashing one before it is sent pays only if an equal one may have been sent. It may say no although
    // there was none.
    bool first_that_begins(std::uint64_t size, const object_id& beginning)
    {
        constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
        return large_files_.insert(load_be<std::uint64_t>(beginning.data()) ^ size * odd).second;
    }

private:
    // The ids are hashes already.
    struct first_bytes_of_id {
        using is_avalanching = void;
        std::size_t operator()(const object_id& id) const noexcept
        {
            return load_be<std::uint64_t>(id.data());
        }
    };

    boost::unordered_flat_map<object_id, std::uint64_t, first_bytes_of_id> offsets_;
    boost::unordered_flat_set<std::uint64_t> large_files_;
};

} // namespace parley
