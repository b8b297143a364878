#include "relay/handshake/identity_allocator.hpp"

#include <string>

namespace parley::detail {
namespace {

constexpr int max_tries = 4096;
constexpr std::uint16_t first_port = 1024; // lower ports look like a server's

std::uint64_t number_of(const identity& who) noexcept
{
    return std::hash<identity>{}(who);
}

bool has_no_port(const identity& who) noexcept
{
    return who.text().ends_with(":0");
}

} // namespace

identity with_port(const identity& who, std::uint16_t port) noexcept
{
    const std::string_view text = who.text();
    const std::size_t colon = text.rfind(':');
    std::string changed{text.substr(0, colon)};
    changed += ':';
    changed += std::to_string(port);
    const auto out = identity::from_text(changed);
    return out ? *out : identity{};
}

identity identity_allocator::allocate(const identity& wanted)
{
    if (!has_no_port(wanted) && live_.insert(number_of(wanted)).second) return wanted;
    for (int i = 0; i < max_tries; ++i) {
        last_port_ = last_port_ < first_port ? first_port : static_cast<std::uint16_t>(last_port_ + 1);
        if (last_port_ < first_port) last_port_ = first_port;
        const identity other = with_port(wanted, last_port_);
        if (other.empty()) return {};
        if (live_.insert(number_of(other)).second) return other;
    }
    return {};
}

void identity_allocator::release(const identity& who) noexcept
{
    live_.erase(number_of(who));
}

} // namespace parley::detail
