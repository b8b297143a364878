// What is known of each entry of a pack that is being received: 56 bytes an entry, and 6 to 12 for finding it
// by its id. Grows with what arrives.
#pragma once

#include "payload/format/object_id.hpp"

#include <parley/base/random.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace parley {

enum class object_state : std::uint8_t {
    unusable,  // not complete yet, or the root, which nothing may refer to
    present,   // its content is at hand
    duplicate, // the same object as the entry `base`, which is present
    waiting,   // a delta whose base is not at hand
};

struct object_record {
    std::uint64_t offset = 0; // where the entry begins in the stream
    std::uint64_t size = 0;   // of the content; while waiting, of the instructions
    // Where a directory's content, or a waiting delta's instructions, lie in the spool; where a held file's
    // content lies among those held; of a file in its folder, where the folder's entry of it lies in the
    // spool.
    std::uint64_t position = 0;
    object_id id{}; // of a waiting reference delta: its base's
    // Of a waiting offset delta, or a duplicate: the entry it refers to; of a file in its folder: the folder;
    // of a directory: see tree_builder.
    std::uint32_t base = 0;
    std::uint16_t delta_depth = 0;
    entry_kind kind = entry_kind::file; // of the content; while waiting, which kind of delta
    object_state state : 4 = object_state::unusable;
    bool seen : 1 = false;   // its content is needed
    bool shared : 1 = false; // its content is needed at more than one place
    bool placed : 1 = false; // its content has been given its first place; of a directory: object_store
                             // has its folder
    bool held : 1 = false;   // its content is in memory, and nowhere else
};
static_assert(sizeof(object_record) <= 56);

// Entries are numbered from 0 in the order of the stream. References stay valid. Not thread-safe.
class object_index {
public:
    // `random` keeps a sender from choosing ids that all fall into one place of the table; used now only.
    explicit object_index(random_source& random);
    object_index(const object_index&) = delete;
    object_index& operator=(const object_index&) = delete;

    std::uint32_t size() const noexcept { return size_; }
    object_record& at(std::uint32_t number) noexcept
    {
        return chunks_[number / chunk_records]->at(number % chunk_records);
    }
    const object_record& at(std::uint32_t number) const noexcept
    {
        return chunks_[number / chunk_records]->at(number % chunk_records);
    }

    // Adds the next entry, whose offset is above all before.
    object_record& add(std::uint64_t offset);

    // The entry that begins at `offset`.
    std::optional<std::uint32_t> find_offset(std::uint64_t offset) const noexcept;
    // The present object `id`.
    std::optional<std::uint32_t> find(const object_id& id) const noexcept;
    // Makes the entry `number`, whose kind, size and id are set, present; or a duplicate, when its id is here
    // already.
    void settle(std::uint32_t number);
    // The entry that holds the content of a present or duplicate entry.
    std::uint32_t holder(std::uint32_t number) const noexcept
    {
        return at(number).state == object_state::duplicate ? at(number).base : number;
    }

private:
    static constexpr std::uint32_t chunk_records = 1024;

    // Hashes and compares entries by their ids.
    struct by_id {
        using is_transparent = void;
        const object_index* index;

        std::size_t operator()(const object_id& id) const noexcept;
        std::size_t operator()(std::uint32_t number) const noexcept { return (*this)(index->at(number).id); }
        bool operator()(const object_id& id, std::uint32_t number) const noexcept
        {
            return id == index->at(number).id;
        }
        bool operator()(std::uint32_t one, std::uint32_t other) const noexcept
        {
            return index->at(one).id == index->at(other).id;
        }
    };

    std::vector<std::unique_ptr<std::array<object_record, chunk_records>>> chunks_;
    std::uint32_t size_ = 0;
    std::array<std::uint64_t, 2> multipliers_{};
    boost::unordered_flat_set<std::uint32_t, by_id, by_id> present_;
};

} // namespace parley
