#include "payload/in/object_index.hpp"

namespace parley {

object_index::object_index(random_source& random) : present_(0, by_id{this}, by_id{this})
{
    std::array<byte, 16> bytes{};
    random.fill(bytes);
    multipliers_ = {load_be<std::uint64_t>(bytes.data()) | 1, load_be<std::uint64_t>(bytes.data() + 8) | 1};
}

object_record& object_index::add(std::uint64_t offset)
{
    if (size_ % chunk_records == 0)
        chunks_.push_back(std::make_unique<std::array<object_record, chunk_records>>());
    object_record& record = at(size_++);
    record.offset = offset;
    return record;
}

std::optional<std::uint32_t> object_index::find_offset(std::uint64_t offset) const noexcept
{
    std::uint32_t low = 0;
    std::uint32_t high = size_;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (at(middle).offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == size_ || at(low).offset != offset) return std::nullopt;
    return low;
}

std::size_t object_index::by_id::operator()(const object_id& id) const noexcept
{
    return load_be<std::uint64_t>(id.data()) * index->multipliers_[0] +
           load_be<std::uint64_t>(id.data() + 8) * index->multipliers_[1];
}

std::optional<std::uint32_t> object_index::find(const object_id& id) const noexcept
{
    const auto found = present_.find(id);
    if (found == present_.end()) return std::nullopt;
    return *found;
}

void object_index::settle(std::uint32_t number)
{
    object_record& record = at(number);
    const auto [entry, is_new] = present_.insert(number);
    record.state = is_new ? object_state::present : object_state::duplicate;
    if (!is_new) record.base = *entry;
}

} // namespace parley
