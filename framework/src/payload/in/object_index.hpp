// What is known about each entry of a pack while it is received: 56 bytes per entry, and 6 to 12 to find it
// by its id. It grows with the entries that arrive.
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
    unusable,  // not complete yet, or the root, to which nothing may refer
    present,   // its content is available
    duplicate, // the same object as the entry `base`, which is present
    waiting,   // a delta whose base is not available
};

struct object_record {
    std::uint64_t offset = 0; // where the entry begins in the stream
    std::uint64_t size = 0;   // of the content; while waiting, of the instructions
    // Where the bytes are. Of a directory's content or a waiting delta's instructions: the position in the
    // spool. Of a held file: the position in the small_file_cache. Of a file in its folder: the position in
    // the spool of the entry that names it.
    std::uint64_t position = 0;
    object_id id{}; // of a waiting reference delta: that of its base
    // Of a waiting offset delta or a duplicate: the entry it refers to. Of a file in its folder: the folder.
    // Of a directory: see tree_builder.
    std::uint32_t base = 0;
    std::uint16_t delta_depth = 0;
    pack_entry_kind kind = pack_entry_kind::file; // of the content; while waiting, the kind of delta
    object_state state : 4 = object_state::unusable;
    bool seen : 1 = false;   // its content is needed
    bool shared : 1 = false; // its content is needed in more than one place
    bool placed : 1 = false; // its content has been given its first place; of a directory: object_store
                             // has its folder
    bool held : 1 = false;   // its content is only in memory
};
static_assert(sizeof(object_record) <= 56);

// Entries are numbered from 0 in the order of the stream. References stay valid. Not thread-safe.
class object_index {
public:
    // `random` keeps a sender from choosing ids that collide in the table. It is used only here.
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

    // Adds the next entry. Its offset is larger than all before.
    object_record& add(std::uint64_t offset);

    // The entry that begins at `offset`.
    std::optional<std::uint32_t> find_offset(std::uint64_t offset) const noexcept;
    // The entry that is the present object `id`.
    std::optional<std::uint32_t> find(const object_id& id) const noexcept;
    // Marks the entry `number`, whose kind, size and id are set, as present, or as a duplicate if its id is
    // here already.
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
