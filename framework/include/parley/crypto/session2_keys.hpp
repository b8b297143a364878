// The keys of session version 2 (SESSION2.md sections 1 to 3): the mark, the key schedule, and the next key
// of a direction. It uses only libsodium.
//
//     derive(label, n) = BLAKE2b( n bytes, key = main, personal = "PARLEY 2" and zeros,
//                                 message = u8 length of label || label || public )
#pragma once

#include <parley/base/secret.hpp>
#include <parley/wire/public_packet.hpp>

namespace parley {

// Which versions of the session a peer speaks.
enum class session_versions : byte { only_1, both, only_2 };

// What the salt of a server that speaks version 2 ends with. Readers take any last byte from 02 up.
inline constexpr std::array<byte, 8> session2_mark{'P', 'A', 'R', 'L', 'E', 'Y', 0, 2};

// Whether the public's salt ends with the mark of version 2 or of a later one.
bool has_session2_mark(const public_packet_bytes& public_packet) noexcept;
// Writes the mark to the end of `parameters.salt`. A salt that has one, also a later version's, stays as it
// is.
void put_session2_mark(public_parameters& parameters) noexcept;
// Whether a public with the mark keeps the rules of version 2: the version field is 1, and cipher0 is
// AES-256-GCM or ChaCha20-Poly1305.
bool is_session2_public(const public_parameters& parameters) noexcept;

// The 64-byte key of PROTOCOL.md section 5.4.
using main_key = secret_array<64>;

// The key of one direction: bytes 0..31 are the cipher's key, bytes 32..43 the base nonce.
inline constexpr std::size_t cipher_key_bytes = 32;
inline constexpr std::size_t base_nonce_bytes = 12;
inline constexpr std::size_t direction_key_bytes = cipher_key_bytes + base_nonce_bytes;
using direction_key = secret_array<direction_key_bytes>;

inline constexpr std::size_t max_exported_bytes = 64;
inline constexpr std::size_t max_export_label_bytes = 255;

// What both sides hold after an agreement on version 2.
struct session2_keys {
    cipher with = cipher::aes_256_gcm; // in both directions
    direction_key server;              // server to client
    direction_key client;              // client to server
    secret_array<32> exporter;
    secret_array<32> reconnection;

    // The password of a handshake that continues this agreement: `reconnection` as 64 lower-case hexadecimal
    // digits.
    secret_bytes reconnection_password() const;

    // Fills `out` (1 to 64 bytes) with a key of the application's own. Equal labels (at most 255 bytes) and
    // contexts give both sides equal keys of one length. Errors: invalid_argument of boost::system::errc.
    error_code export_key(std::string_view label, bytes_view context, mutable_bytes out) const noexcept;
};

// Derives all keys. `public_packet` is the server's, as sent and as received; `with` is its cipher0.
session2_keys derive_session2_keys(const main_key& main, const public_packet_bytes& public_packet,
                                   cipher with) noexcept;
// The client's validator of version 2, sent in packet 05.
secret_array<validator_bytes> derive_session2_validator(const main_key& main,
                                                        const public_packet_bytes& public_packet) noexcept;
// The key that follows `key` after 2^22 records.
direction_key next_direction_key(const direction_key& key) noexcept;

} // namespace parley
