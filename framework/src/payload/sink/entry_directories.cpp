#include "payload/sink/entry_directories.hpp"

#include <algorithm>

namespace parley {

entry_directories::slot* entry_directories::find(std::uint32_t number) noexcept
{
    const auto found =
        std::find_if(slots_.begin(), slots_.end(), [number](const slot& s) { return s.number == number; });
    if (found == slots_.end()) return nullptr;
    found->used = ++clock_;
    return &*found;
}

result<const guarded_directory*> entry_directories::open(std::uint32_t number)
{
    std::vector<std::uint32_t> closed; // innermost first
    const guarded_directory* at = root_;
    for (std::uint32_t above = number; above != top_entry; above = entries_->at(above).parent) {
        if (const slot* known = find(above)) {
            at = &known->directory;
            break;
        }
        closed.push_back(above);
    }
    for (; !closed.empty(); closed.pop_back()) {
        auto opened = at->open_directory(entries_->at(closed.back()).name);
        if (!opened) return opened.error();
        // The last one used is never the one that goes.
        slot& oldest = *std::min_element(slots_.begin(), slots_.end(),
                                         [](const slot& a, const slot& b) { return a.used < b.used; });
        oldest = {closed.back(), ++clock_, std::move(*opened)};
        at = &oldest.directory;
    }
    return at;
}

} // namespace parley
