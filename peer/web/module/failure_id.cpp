#include "peer/web/module/failure_id.hpp"

namespace parley::web {
namespace {

struct meaning {
    errc code;
    std::string_view id;
};

// Those that their condition does not tell apart.
constexpr meaning meanings[] = {
    {errc::too_many_guesses, "wrong-code"},
    {errc::refused_by_peer, "refused"},
    {errc::refused_by_user, "refused"},
    {errc::destination_exists_at_peer, "refused"},
    {errc::aborted_by_peer, "cancelled-there"},
    {errc::cancelled_by_peer, "cancelled-there"},
    {errc::connect_failed, "relay-unreachable"},
    {errc::closed_by_relay, "relay-closed"},
    {errc::uid_exhausted, "relay-closed"},
    {errc::room_denied, "relay-closed"},
    {errc::room_absent, "connection-lost"},
    {errc::timed_out_by_relay, "timed-out"},
    {errc::no_room, "no-space"},
    {errc::no_room_at_peer, "no-space"},
    {errc::document_too_large, "no-space"},
    {errc::too_many_entries, "no-space"},
    {errc::document_changed, "changed"},
    {errc::document_changed_at_peer, "changed"},
    {errc::document_differs, "changed"},
    {errc::hostile_name, "name"},
    {errc::entry_not_taken, "name"},
    {errc::entry_not_taken_by_peer, "name"},
    {errc::not_a_document, "name"},
    {errc::destination_exists, "storage"},
    {errc::file_failed_at_peer, "storage"},
    {errc::version_not_spoken, "unsupported"},
    {errc::protocol_mismatch, "unsupported"},
    {errc::failed_at_peer, "internal"},
    {errc::crypto_unavailable, "internal"},
};

} // namespace

std::string_view failure_id(const failure& why) noexcept
{
    for (const meaning& each : meanings)
        if (why.code == each.code) return each.id;
    if (why.when == phase::connecting) return "relay-unreachable";
    if (why.code == condition::cancelled) return "cancelled-here";
    if (why.code == condition::timed_out) return "timed-out";
    if (why.code == condition::transport)
        return why.when == phase::handshake ? "relay-closed" : "connection-lost";
    if (why.code == condition::peer_fault || why.code == condition::authentication) return "protocol";
    if (why.code == condition::local_fault) return "storage";
    return "internal";
}

} // namespace parley::web
