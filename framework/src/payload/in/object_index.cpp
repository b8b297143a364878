#include "payload/in/object_index.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace parley {

object_index::object_index(random_source& random) : table_(256, nothing)
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

std::size_t object_index::slot_of(const object_id& id) const noexcept
{
    const std::uint64_t mixed = load_be<std::uint64_t>(id.data()) * multipliers_[0] +
                                load_be<std::uint64_t>(id.data() + 8) * multipliers_[1];
    std::size_t slot = static_cast<std::size_t>(mixed >> (64 - std::countr_zero(table_.size())));
    while (table_[slot] != nothing && at(table_[slot]).id != id) slot = (slot + 1) & (table_.size() - 1);
    return slot;
}

std::optional<std::uint32_t> object_index::find(const object_id& id) const noexcept
{
    const std::uint32_t number = table_[slot_of(id)];
    if (number == nothing) return std::nullopt;
    return number;
}

void object_index::grow()
{
    const std::vector<std::uint32_t> old =
        std::exchange(table_, std::vector<std::uint32_t>(table_.size() * 2, nothing));
    for (const std::uint32_t number : old)
        if (number != nothing) table_[slot_of(at(number).id)] = number;
}

void object_index::settle(std::uint32_t number)
{
    object_record& record = at(number);
    const std::size_t slot = slot_of(record.id);
    if (table_[slot] != nothing) {
        record.state = object_state::duplicate;
        record.base = table_[slot];
        return;
    }
    record.state = object_state::present;
    table_[slot] = number;
    if (++in_table_ * 4 > table_.size() * 3) grow();
}

} // namespace parley
