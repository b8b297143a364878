#include <parley/crypto/session2_keys.hpp>

#include <crypto/wiped.hpp>

#include <boost/system/errc.hpp>
#include <sodium.h>

namespace parley {

namespace {

constexpr std::size_t last_mark_byte = session2_mark.size() - 1;

bool is_mark(std::span<const byte, session2_mark.size()> bytes) noexcept
{
    return std::equal(bytes.begin(), bytes.end() - 1, session2_mark.begin()) &&
           bytes[last_mark_byte] >= session2_mark[last_mark_byte];
}

// BLAKE2b of u8 length of label || label || rest, under `key`.
void hash_labelled(mutable_bytes out, bytes_view key, std::string_view label, bytes_view rest) noexcept
{
    static constexpr std::array<byte, crypto_generichash_blake2b_SALTBYTES> salt{};
    static constexpr std::array<byte, crypto_generichash_blake2b_PERSONALBYTES> personal{'P', 'A', 'R', 'L',
                                                                                         'E', 'Y', ' ', '2'};
    const auto label_length = static_cast<byte>(label.size());
    wiped<crypto_generichash_blake2b_state> state;
    crypto_generichash_blake2b_init_salt_personal(&state.value, key.data(), key.size(), out.size(),
                                                  salt.data(), personal.data());
    crypto_generichash_blake2b_update(&state.value, &label_length, 1);
    for (const bytes_view part : {as_bytes(label), rest})
        if (!part.empty()) crypto_generichash_blake2b_update(&state.value, part.data(), part.size());
    crypto_generichash_blake2b_final(&state.value, out.data(), out.size());
}

template <std::size_t N>
secret_array<N> derive(const main_key& main, std::string_view label,
                       const public_packet_bytes& public_packet) noexcept
{
    secret_array<N> out;
    hash_labelled(out.span(), main.view(), label, public_packet);
    return out;
}

} // namespace

bool has_session2_mark(const public_packet_bytes& public_packet) noexcept
{
    return is_mark(std::span{public_packet}.last<session2_mark.size()>());
}

void put_session2_mark(public_parameters& parameters) noexcept
{
    const auto place = std::span{parameters.salt}.last<session2_mark.size()>();
    if (!is_mark(place)) std::copy(session2_mark.begin(), session2_mark.end(), place.begin());
}

bool is_session2_public(const public_parameters& parameters) noexcept
{
    return parameters.version == 1 && parameters.cipher0 != cipher::aes_256_ccm;
}

secret_bytes session2_keys::reconnection_password() const
{
    static constexpr std::string_view digits = "0123456789abcdef";
    // The text is a secret, so it never is in a string that nobody wipes.
    secret_array<2 * 32> text;
    for (std::size_t i = 0; i < reconnection.size(); ++i) {
        const std::size_t value = reconnection.data()[i];
        text.data()[2 * i] = static_cast<byte>(digits[value >> 4]);
        text.data()[2 * i + 1] = static_cast<byte>(digits[value & 15]);
    }
    return secret_bytes{text.view()};
}

error_code session2_keys::export_key(std::string_view label, bytes_view context,
                                     mutable_bytes out) const noexcept
{
    if (label.size() > max_export_label_bytes || out.empty() || out.size() > max_exported_bytes)
        return make_error_code(boost::system::errc::invalid_argument);
    hash_labelled(out, exporter.view(), label, context);
    return {};
}

session2_keys derive_session2_keys(const main_key& main, const public_packet_bytes& public_packet,
                                   cipher with) noexcept
{
    session2_keys out;
    out.with = with;
    out.server = derive<direction_key_bytes>(main, "server", public_packet);
    out.client = derive<direction_key_bytes>(main, "client", public_packet);
    out.exporter = derive<32>(main, "exporter", public_packet);
    out.reconnection = derive<32>(main, "reconnect", public_packet);
    return out;
}

secret_array<validator_bytes> derive_session2_validator(const main_key& main,
                                                        const public_packet_bytes& public_packet) noexcept
{
    return derive<validator_bytes>(main, "client validator", public_packet);
}

direction_key next_direction_key(const direction_key& key) noexcept
{
    direction_key out;
    hash_labelled(out.span(), key.view().first<cipher_key_bytes>(), "rekey", {});
    return out;
}

} // namespace parley
