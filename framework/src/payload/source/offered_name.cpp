#include "payload/source/offered_name.hpp"

namespace parley {

std::string offered_name(const std::filesystem::path& path)
{
    std::string text = path.native();
    while (!text.empty() && text.back() == '/') text.pop_back();
    std::string name = text.substr(text.rfind('/') + 1);
    if (name == "." || name == "..") {
        std::error_code error;
        name = std::filesystem::canonical(path, error).filename().native();
    }
    return name;
}

} // namespace parley
