// The server's 34 public bytes (PROTOCOL.md section 5.1).
//
//     u16be version (1) || u16be kdf (2) || u64be iterations
//           || u16be cipher0 || u16be cipher1 || u16be hash (4) || salt (16)
#pragma once

#include <parley/wire/packet.hpp>

namespace parley {

enum class cipher : std::uint16_t {
    aes_256_gcm = 0,
    aes_256_ccm = 1, // 16-byte tag
    chacha20_poly1305 = 2,
};
// The name of a cipher, e.g. "AES-256-GCM".
std::string_view cipher_name(cipher c) noexcept;

inline constexpr std::size_t salt_bytes = 16;
inline constexpr std::uint64_t default_iterations = 16;

struct public_parameters {
    std::uint16_t version = 1;
    std::uint64_t iterations = default_iterations;
    cipher cipher0 = cipher::aes_256_gcm;       // server to client: the document
    cipher cipher1 = cipher::chacha20_poly1305; // client to server
    std::array<byte, salt_bytes> salt{};
    friend bool operator==(const public_parameters&, const public_parameters&) = default;
};

// Reads the 34 bytes. Accepts any version. Errors: invalid_public_packet (another kdf, hash or cipher, or
// zero iterations).
result<public_parameters> parse_public(const public_packet_bytes& bytes) noexcept;
// Writes the 34 bytes.
public_packet_bytes format_public(const public_parameters& parameters) noexcept;

} // namespace parley
