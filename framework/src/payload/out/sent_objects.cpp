#include "payload/out/sent_objects.hpp"

namespace parley {

// Where the object is, or the free place for it. The ids are hashes themselves.
std::size_t sent_objects::place_of(const object_id& id) const noexcept
{
    const std::size_t mask = places_.size() - 1;
    std::size_t at = static_cast<std::size_t>(load_be<std::uint64_t>(id.data())) & mask;
    while (offset_of(places_[at]) != 0 && places_[at].id != id) at = (at + 1) & mask;
    return at;
}

std::optional<std::uint64_t> sent_objects::find(const object_id& id) const noexcept
{
    if (places_.empty()) return std::nullopt;
    const std::uint64_t offset = offset_of(places_[place_of(id)]);
    return offset == 0 ? std::nullopt : std::optional(offset);
}

void sent_objects::add(const object_id& id, std::uint64_t offset)
{
    if (places_.empty() || count_ + 1 > places_.size() / 4 * 3) {
        std::vector<place> old(places_.empty() ? 64 : places_.size() * 2);
        old.swap(places_);
        for (const place& p : old)
            if (offset_of(p) != 0) places_[place_of(p.id)] = p;
    }
    place& p = places_[place_of(id)];
    p.id = id;
    store_be(p.offset.data(), offset);
    ++count_;
}

} // namespace parley
