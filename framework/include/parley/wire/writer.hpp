// The writer of a handshake stream (PROTOCOL.md section 2).
#pragma once

#include <parley/wire/packet.hpp>

namespace parley {

// The bytes of one packet, held inline.
class encoded_packet {
public:
    encoded_packet() noexcept = default;
    bytes_view view() const noexcept { return {bytes_.data(), size_}; }

private:
    friend encoded_packet encode(uid peer, const packet_variant& body) noexcept;
    std::array<byte, max_packet_bytes> bytes_{};
    byte size_ = 0;
};

// Encodes `body` with `peer` in front. Never fails and never allocates.
encoded_packet encode(uid peer, const packet_variant& body) noexcept;

} // namespace parley
