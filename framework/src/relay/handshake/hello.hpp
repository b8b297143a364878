// Hellos among packets. Private to the framework.
#pragma once

#include <parley/relay/options.hpp>
#include <parley/wire/packet.hpp>

#include <optional>

namespace parley::detail {

// Whose hello it is; nothing for any other packet, nor for one that is not to the relay, which drops it.
inline std::optional<peer_kind> hello_kind(const message& packet) noexcept
{
    if (packet.peer != relay_uid) return std::nullopt;
    if (std::holds_alternative<packet::hello_as_a_server>(packet.body)) return peer_kind::server;
    if (std::holds_alternative<packet::hello_as_a_client>(packet.body)) return peer_kind::client;
    return std::nullopt;
}

} // namespace parley::detail
