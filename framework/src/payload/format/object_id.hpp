// The id of a pack's object: the SHA-1 of kind, size and content (PROTOCOL.md section 8).
//
//     object id = SHA-1( kind-name || " " || decimal size || NUL || content )           20 bytes
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/crypto/sha1.hpp>

#include <string_view>

namespace parley {

enum class pack_entry_kind : std::uint8_t {
    root = 1,      // Git's commit: the top directory's name and id
    directory = 2, // Git's tree
    file = 3,      // Git's blob
    file_name = 4, // Git's tag: the name of a single file
    offset_delta = 6,
    reference_delta = 7,
};

using object_id = sha1_digest;

constexpr bool is_delta(pack_entry_kind kind) noexcept
{
    return kind == pack_entry_kind::offset_delta || kind == pack_entry_kind::reference_delta;
}

// Git's name of a kind that is not a delta ("commit", "tree", "blob", "tag"); empty for a delta.
std::string_view kind_name(pack_entry_kind kind) noexcept;

// Hashes one object after another. Not thread-safe.
class object_hasher {
public:
    // Begins an object of `size` content bytes and drops an unfinished one. `kind` is not a delta.
    void begin(pack_entry_kind kind, std::uint64_t size) noexcept;
    void update(bytes_view content) noexcept { hash_.update(content); }
    // Update this hash with the content instead of calling update().
    sha1& hash() noexcept { return hash_; }
    // The id of the object begun last.
    object_id finish() noexcept;

private:
    sha1 hash_;
    bool begun_ = false;
};

// The id of an object whose content is at hand.
object_id hash_object(pack_entry_kind kind, bytes_view content);

} // namespace parley
