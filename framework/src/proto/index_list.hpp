// Lists of items that live in one vector, linked by index. Joining a list allocates nothing, and leaving one
// takes constant time.
#pragma once

#include <cstdint>
#include <vector>

namespace parley {

inline constexpr std::uint32_t no_index = 0xffff'ffff;

struct index_links {
    std::uint32_t previous = no_index;
    std::uint32_t next = no_index;
};

// A list through the member `Links` of the items. The caller knows which items are in it.
template <class Item, index_links Item::* Links>
class index_list {
public:
    std::uint32_t first() const noexcept { return first_; }
    std::uint32_t last() const noexcept { return last_; }
    bool empty() const noexcept { return first_ == no_index; }

    void push_back(std::vector<Item>& items, std::uint32_t at) noexcept
    {
        items[at].*Links = {last_, no_index};
        (last_ == no_index ? first_ : (items[last_].*Links).next) = at;
        last_ = at;
    }

    void push_front(std::vector<Item>& items, std::uint32_t at) noexcept
    {
        items[at].*Links = {no_index, first_};
        (first_ == no_index ? last_ : (items[first_].*Links).previous) = at;
        first_ = at;
    }

    void erase(std::vector<Item>& items, std::uint32_t at) noexcept
    {
        const index_links around = items[at].*Links;
        (around.previous == no_index ? first_ : (items[around.previous].*Links).next) = around.next;
        (around.next == no_index ? last_ : (items[around.next].*Links).previous) = around.previous;
        items[at].*Links = {};
    }

private:
    std::uint32_t first_ = no_index;
    std::uint32_t last_ = no_index;
};

// The index after `at` in the list through `Links`.
template <class Item>
std::uint32_t next_of(const std::vector<Item>& items, index_links Item::* links, std::uint32_t at) noexcept
{
    return (items[at].*links).next;
}

} // namespace parley
