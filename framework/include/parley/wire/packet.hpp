// The sixteen packets of the handshake stream (PROTOCOL.md section 2) as one closed type.
//
//     packet = uid:hex4 || type:hex2 || body          at most 102 bytes (type 06)
//
//     00 hello_as_a_server       public (34)                          08 agreement       empty
//     01 hello_as_a_client       empty                                09 closed          uid hex4
//     02 server_identity         identity, NUL                        0a accepted        empty
//     03 client_identity         identity, NUL                        0b refused         empty
//     04 new_server              uid hex4, public (34), identity, NUL 0c relay_failure   letter, uid hex4
//     05 client_validator        validator (64)                       0d spoke_failure   one byte 00..04
//     06 y_and_server_validator  Y (32), validator (64)               0e done            empty
//     07 x_and_client_identity   X (32), identity, NUL                0f timeout         empty
#pragma once

#include <parley/wire/identity.hpp>

#include <compare>
#include <variant>

namespace parley {

inline constexpr std::size_t packet_header_bytes = 6;
inline constexpr std::size_t public_bytes = 34;
inline constexpr std::size_t point_bytes = 32;
inline constexpr std::size_t validator_bytes = 64;
inline constexpr std::size_t max_packet_bytes = packet_header_bytes + point_bytes + validator_bytes;

// A peer's number on one relay; 0 is the relay itself.
struct uid {
    std::uint16_t value = 0;
    friend auto operator<=>(const uid&, const uid&) = default;
};
inline constexpr uid relay_uid{};

using public_packet_bytes = std::array<byte, public_bytes>;
using point = std::array<byte, point_bytes>;
using validator = std::array<byte, validator_bytes>;

// The reason of a relay_failure. The value is the letter on the wire.
enum class relay_failure_kind : char {
    invalid_client = 'C',
    invalid_server = 'S',
    no_handshake = 'H',
    no_agreement = 'N',
};

// The reason of a spoke_failure. The value is the byte on the wire.
enum class spoke_failure_kind : byte {
    point_not_on_subgroup = 0,
    invalid_client_validator = 1,
    invalid_server_validator = 2,
    invalid_public_packet = 3,
    invalid_secret_packet = 4,
};

// Converts a spoke failure to its errc, and back. version_not_spoken becomes invalid_server_validator, any
// other error invalid_public_packet.
errc to_errc(spoke_failure_kind kind) noexcept;
spoke_failure_kind to_spoke_failure(const error_code& error) noexcept;

namespace packet {

// clang-format off
struct hello_as_a_server      { public_packet_bytes public_packet{};                        bool operator==(const hello_as_a_server&) const = default; };
struct hello_as_a_client      {                                                             bool operator==(const hello_as_a_client&) const = default; };
struct server_identity        { parley::identity identity;                                  bool operator==(const server_identity&) const = default; };
struct client_identity        { parley::identity identity;                                  bool operator==(const client_identity&) const = default; };
struct new_server             { uid server; public_packet_bytes public_packet{}; parley::identity identity; bool operator==(const new_server&) const = default; };
struct client_validator       { parley::validator validator{};                              bool operator==(const client_validator&) const = default; };
struct y_and_server_validator { point y{}; parley::validator validator{};                   bool operator==(const y_and_server_validator&) const = default; };
struct x_and_client_identity  { point x{}; parley::identity identity;                       bool operator==(const x_and_client_identity&) const = default; };
struct agreement              {                                                             bool operator==(const agreement&) const = default; };
struct closed                 { uid gone;                                                   bool operator==(const closed&) const = default; };
struct accepted               {                                                             bool operator==(const accepted&) const = default; };
struct refused                {                                                             bool operator==(const refused&) const = default; };
struct relay_failure          { relay_failure_kind kind = relay_failure_kind::no_agreement; uid peer; bool operator==(const relay_failure&) const = default; };
struct spoke_failure          { spoke_failure_kind kind = spoke_failure_kind::point_not_on_subgroup; bool operator==(const spoke_failure&) const = default; };
struct done                   {                                                             bool operator==(const done&) const = default; };
struct timeout                {                                                             bool operator==(const timeout&) const = default; };
// clang-format on
} // namespace packet

// Alternative i has type number i on the wire.
using packet_variant =
    std::variant<packet::hello_as_a_server, packet::hello_as_a_client, packet::server_identity,
                 packet::client_identity, packet::new_server, packet::client_validator,
                 packet::y_and_server_validator, packet::x_and_client_identity, packet::agreement,
                 packet::closed, packet::accepted, packet::refused, packet::relay_failure,
                 packet::spoke_failure, packet::done, packet::timeout>;

// A packet with its uid. The uid is the destination in what a peer sends and the source in what it receives.
struct message {
    uid peer;
    packet_variant body;
    friend bool operator==(const message&, const message&) = default;
};

// The name of a packet type in PROTOCOL.md, for logs and error messages. Example: "new_server".
std::string_view packet_name(const packet_variant& body) noexcept;

} // namespace parley
