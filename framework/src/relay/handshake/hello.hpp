// Finds hellos among packets. Private to the framework.
#pragma once

#include <parley/relay/options.hpp>
#include <parley/wire/packet.hpp>

#include <optional>

namespace parley::detail {

// The kind of peer that a hello announces. nullopt for any other packet, and for a hello that is not
// addressed to the relay: the relay drops it.
inline std::optional<peer_kind> hello_kind(const message& packet) noexcept
{
    if (packet.peer != relay_uid) return std::nullopt;
    if (std::holds_alternative<packet::hello_as_a_server>(packet.body)) return peer_kind::server;
    if (std::holds_alternative<packet::hello_as_a_client>(packet.body)) return peer_kind::client;
    return std::nullopt;
}

} // namespace parley::detail
