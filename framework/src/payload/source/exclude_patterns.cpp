#include "payload/source/exclude_patterns.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace parley {

void exclude_patterns::add(std::string_view text)
{
    pattern p;
    while (text.ends_with('/')) {
        p.directories_only = true;
        text.remove_suffix(1);
    }
    while (text.starts_with('/')) {
        p.whole_path_only = true;
        text.remove_prefix(1);
    }
    if (text.empty()) return; // it would match nothing
    p.text = text;
    patterns_.push_back(std::move(p));
}

bool exclude_patterns::match(const char* name, const char* path, bool is_directory) const noexcept
{
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const pattern& p) {
        if (p.directories_only && !is_directory) return false;
        if (::fnmatch(p.text.c_str(), path, 0) == 0) return true;
        return !p.whole_path_only && ::fnmatch(p.text.c_str(), name, 0) == 0;
    });
}

} // namespace parley
