// What a user leaves out of a document (folder_options::exclude says the rule).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley {

class exclude_patterns {
public:
    exclude_patterns() = default;
    explicit exclude_patterns(const std::vector<std::string>& patterns)
    {
        for (const std::string& p : patterns) add(p);
    }

    // Whether a pattern matches. `name` is the last component of `path`.
    bool match(const char* name, const char* path, bool is_directory) const noexcept;

private:
    struct pattern {
        std::string text;
        bool directories_only = false;
        bool whole_path_only = false;
    };
    void add(std::string_view text);

    std::vector<pattern> patterns_;
};

} // namespace parley
