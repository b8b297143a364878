#include <parley/relay/reject_reason.hpp>

namespace parley {

std::string_view reject_reason_name(reject_reason why) noexcept
{
    static constexpr std::array<std::string_view, refusals> names{
        "connections_full",  "over_share",    "address_full",       "connection_rate",
        "stopping",          "not_admitted",  "duplicate_identity", "preamble_timeout",
        "preamble_too_long", "unrecognised",  "untrusted_proxy",    "bad_proxy_header",
        "bad_forwarded",     "tls_failed",    "bad_http",           "bad_upgrade",
        "no_such_path",      "origin",        "lobbies_full",       "address_lobbies",
        "http_full",         "address_http",  "address_waiting",    "hello_rate",
        "announcement_rate", "attempt_rate",  "packet_rate",        "queue_full",
        "slow_reader",       "memory",        "address_agreements", "denied_rate",
        "rooms_full",        "address_rooms", "room_bytes",         "room_idle",
        "room_stalled",
    };
    const auto at = static_cast<std::size_t>(why);
    return at < names.size() ? names[at] : "unknown";
}

} // namespace parley
