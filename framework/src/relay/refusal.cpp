#include <parley/relay/refusal.hpp>

namespace parley {

std::string_view refusal_name(refusal why) noexcept
{
    static constexpr std::array<std::string_view, refusals> names{
        "connections_full",   "address_full",  "connection_rate", "stopping",     "not_admitted",
        "duplicate_identity", "slow_start",    "long_start",      "unrecognised", "untrusted_proxy",
        "bad_proxy_header",   "bad_forwarded", "tls_failed",      "bad_http",     "bad_upgrade",
        "no_such_path",       "lobbies_full",  "hello_rate",      "attempt_rate", "packet_rate",
        "slow_reader",        "rooms_full",    "room_bytes",      "room_idle",
    };
    const auto at = static_cast<std::size_t>(why);
    return at < names.size() ? names[at] : "unknown";
}

} // namespace parley
