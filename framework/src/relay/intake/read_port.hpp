// A port as proxies write it: one to five digits, at most 65535. Private to the framework.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::detail {

inline std::optional<std::uint16_t> read_port(std::string_view text) noexcept
{
    std::uint16_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (text.empty() || text.size() > 5 || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

} // namespace parley::detail
