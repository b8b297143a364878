#include <parley/wire/public_packet.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::uint16_t kdf_pbkdf2 = 2;
constexpr std::uint16_t hash_sha_256 = 4;
constexpr std::uint16_t last_cipher = 2;

constexpr std::size_t version_at = 0;
constexpr std::size_t kdf_at = 2;
constexpr std::size_t iterations_at = 4;
constexpr std::size_t cipher0_at = 12;
constexpr std::size_t cipher1_at = 14;
constexpr std::size_t hash_at = 16;
constexpr std::size_t salt_at = 18;
static_assert(salt_at + salt_bytes == public_bytes);

} // namespace

std::string_view cipher_name(cipher c) noexcept
{
    switch (c) {
    case cipher::aes_256_gcm:
        return "AES-256-GCM";
    case cipher::aes_256_ccm:
        return "AES-256-CCM";
    case cipher::chacha20_poly1305:
        return "ChaCha20-Poly1305";
    }
    return "unknown cipher";
}

result<public_parameters> parse_public(const public_packet_bytes& bytes) noexcept
{
    const auto u16_at = [&bytes](std::size_t at) { return load_be<std::uint16_t>(bytes.data() + at); };
    public_parameters out;
    out.version = u16_at(version_at);
    out.iterations = load_be<std::uint64_t>(bytes.data() + iterations_at);
    const std::uint16_t cipher0 = u16_at(cipher0_at);
    const std::uint16_t cipher1 = u16_at(cipher1_at);
    if (u16_at(kdf_at) != kdf_pbkdf2 || u16_at(hash_at) != hash_sha_256 || cipher0 > last_cipher ||
        cipher1 > last_cipher || out.iterations == 0)
        return make_error_code(errc::invalid_public_packet);
    out.cipher0 = static_cast<cipher>(cipher0);
    out.cipher1 = static_cast<cipher>(cipher1);
    std::copy_n(bytes.begin() + salt_at, salt_bytes, out.salt.begin());
    return out;
}

public_packet_bytes format_public(const public_parameters& parameters) noexcept
{
    public_packet_bytes out{};
    store_be(out.data() + version_at, parameters.version);
    store_be(out.data() + kdf_at, kdf_pbkdf2);
    store_be(out.data() + iterations_at, parameters.iterations);
    store_be(out.data() + cipher0_at, static_cast<std::uint16_t>(parameters.cipher0));
    store_be(out.data() + cipher1_at, static_cast<std::uint16_t>(parameters.cipher1));
    store_be(out.data() + hash_at, hash_sha_256);
    std::copy(parameters.salt.begin(), parameters.salt.end(), out.begin() + salt_at);
    return out;
}

} // namespace parley
