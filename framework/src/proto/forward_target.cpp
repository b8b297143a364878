#include <parley/proto/forward_target.hpp>

#include <algorithm>

namespace parley {
namespace {

bool is_host_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ':';
}

} // namespace

bool forward_target::is_valid() const noexcept
{
    return port != 0 && !host.empty() && host.size() <= max_forward_host_bytes &&
           std::ranges::all_of(host, is_host_character);
}

std::string forward_target::text() const
{
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string_view to_text(forward_cause cause) noexcept
{
    switch (cause) {
    case forward_cause::not_exposed:
        return "it is not exposed";
    case forward_cause::name_not_found:
        return "the name has no address";
    case forward_cause::unreachable:
        return "it cannot be reached";
    case forward_cause::timed_out:
        return "it does not answer";
    case forward_cause::limit:
        return "there are too many connections";
    }
    return "for a reason that is not known";
}

} // namespace parley
