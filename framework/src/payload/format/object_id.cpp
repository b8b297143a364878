#include "payload/format/object_id.hpp"

#include <charconv>

namespace parley {

std::string_view kind_name(pack_entry_kind kind) noexcept
{
    switch (kind) {
    case pack_entry_kind::root:
        return "commit";
    case pack_entry_kind::directory:
        return "tree";
    case pack_entry_kind::file:
        return "blob";
    case pack_entry_kind::file_name:
        return "tag";
    case pack_entry_kind::offset_delta:
    case pack_entry_kind::reference_delta:
        break;
    }
    return {};
}

void object_hasher::begin(pack_entry_kind kind, std::uint64_t size) noexcept
{
    if (begun_) static_cast<void>(hash_.finish());
    begun_ = true;
    char decimal[21];
    const auto end = std::to_chars(decimal, decimal + 20, size).ptr;
    *end = '\0';
    hash_.update(kind_name(kind));
    hash_.update(" ");
    hash_.update(std::string_view(decimal, static_cast<std::size_t>(end - decimal) + 1));
}

object_id object_hasher::finish() noexcept
{
    begun_ = false;
    return hash_.finish();
}

object_id hash_object(pack_entry_kind kind, bytes_view content)
{
    object_hasher hasher;
    hasher.begin(kind, content.size());
    hasher.update(content);
    return hasher.finish();
}

} // namespace parley
