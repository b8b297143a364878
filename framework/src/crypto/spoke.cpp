#include <parley/crypto/random.hpp>
#include <parley/crypto/spoke.hpp>

#include <crypto/curve.hpp>
#include <crypto/wiped.hpp>

#include <sodium.h>

#include <limits>
#include <utility>

namespace parley {

namespace {

constexpr std::size_t block_bytes = crypto_auth_hmacsha256_BYTES;
using derived_bytes = secret_array<4 * block_bytes>;

template <std::size_t Offset>
std::span<const byte, 32> part(const derived_bytes& derived) noexcept
{
    return derived.view().subspan<Offset, 32>();
}

constexpr std::uint64_t all_iterations = std::numeric_limits<std::uint64_t>::max();

// PBKDF2-HMAC-SHA256 of section 5.2: up to `iterations` more of its rounds. Its block counter is
// little-endian, so no library's PBKDF2 will do. Returns whether all are done.
bool stretch(password_stretch& state, bytes_view password, const public_parameters& parameters,
             std::uint64_t iterations) noexcept
{
    using hmac = wiped<crypto_auth_hmacsha256_state>;
    static constexpr byte nothing = 0;
    // Hash both pads of the key once: an iteration starts from a copy and costs two compressions.
    hmac keyed;
    crypto_auth_hmacsha256_init(&keyed.value, password.empty() ? &nothing : password.data(), password.size());

    const std::uint64_t left = parameters.iterations - state.rounds;
    const std::uint64_t last = state.rounds + std::min(left, iterations);
    hmac running;
    for (std::size_t block = 0; block * block_bytes < state.sum.size(); ++block) {
        byte* const round = state.round.data() + block * block_bytes;
        byte* const sum = state.sum.data() + block * block_bytes;
        std::uint64_t done = state.rounds;
        if (done == 0 && last != 0) {
            const std::array<byte, 4> counter{static_cast<byte>(block + 1)};
            running = keyed;
            crypto_auth_hmacsha256_update(&running.value, parameters.salt.data(), parameters.salt.size());
            crypto_auth_hmacsha256_update(&running.value, counter.data(), counter.size());
            crypto_auth_hmacsha256_final(&running.value, round);
            std::copy_n(round, block_bytes, sum);
            done = 1;
        }
        for (; done < last; ++done) {
            running = keyed;
            crypto_auth_hmacsha256_update(&running.value, round, block_bytes);
            crypto_auth_hmacsha256_final(&running.value, round);
            for (std::size_t j = 0; j < block_bytes; ++j) sum[j] = static_cast<byte>(sum[j] ^ round[j]);
        }
    }
    state.rounds = last;
    return state.rounds == parameters.iterations;
}

// The values of section 5.2 except L, which the client never needs.
result<password_points> points_without_l(const derived_bytes& derived) noexcept
{
    password_points out;
    if (!curve::from_uniform(out.m, part<0>(derived))) return errc::point_not_on_subgroup;
    if (!curve::from_uniform(out.n, part<32>(derived))) return errc::point_not_on_subgroup;
    out.h_k = secret_array<32>{part<64>(derived)};
    out.h_l = secret_array<32>{part<96>(derived)};
    return out;
}

// The inputs of the key schedule, which both sides have once Z and V are computed.
struct exchanged {
    std::string_view client;
    std::string_view server;
    const point& x;
    const point& y;
    const secret_array<32>& z;
    const secret_array<32>& v;
    const secret_array<32>& h_k;
};

void hash_more(crypto_generichash_blake2b_state& state, bytes_view bytes) noexcept
{
    crypto_generichash_blake2b_update(&state, bytes.data(), bytes.size());
}

main_key derive_main_key(const exchanged& e) noexcept
{
    static constexpr std::array<byte, 2> version{1, 0};
    wiped<crypto_generichash_blake2b_state> state;
    crypto_generichash_blake2b_init(&state.value, nullptr, 0, 64);
    hash_more(state.value, version);
    hash_more(state.value, as_bytes(e.client));
    hash_more(state.value, as_bytes(e.server));
    hash_more(state.value, e.x);
    hash_more(state.value, e.y);
    hash_more(state.value, e.z.view());
    hash_more(state.value, e.h_k.view());
    hash_more(state.value, e.v.view());
    main_key out;
    crypto_generichash_blake2b_final(&state.value, out.data(), out.size());
    return out;
}

// sub(i): a hash of 32 bytes under the main key. The name and the number are its message. They are not
// BLAKE2b's salt or personalization.
secret_array<64> sub_key(const main_key& main, byte i) noexcept
{
    std::array<byte, 32> message{'S', 'P', 'O', 'K', 'E'};
    message[16] = i;
    secret_array<64> out;
    crypto_generichash_blake2b(out.data(), out.size(), message.data(), message.size(), main.data(),
                               main.size());
    return out;
}

// What the two validators of section 5.4 are: the server sends the first, a client of version 1 the second.
constexpr byte server_check = 2, client_check = 3;

session_keys version_1_keys(const main_key& main, const public_parameters& parameters) noexcept
{
    return {parameters.cipher0, parameters.cipher1, sub_key(main, 0), sub_key(main, 1), std::nullopt};
}

// No two publics that parse_public accepts have equal parameters: these are the bytes that were sent.
session_keys version_2_keys(const main_key& main, const public_parameters& parameters) noexcept
{
    return {parameters.cipher0,
            parameters.cipher1,
            {},
            {},
            derive_session2_keys(main, format_public(parameters), parameters.cipher0)};
}

} // namespace

secret_scalar random_scalar(random_source& random) noexcept
{
    secret_scalar out;
    // A zero has probability 2^-251. The bound is for a source that gives only zeros: every function here
    // refuses a zero scalar.
    for (int attempt = 0; attempt < 16; ++attempt) {
        random.fill(out.span());
        out.data()[0] &= 0xf8;
        out.data()[31] &= 0x7f;
        if (sodium_is_zero(out.data(), out.size()) == 0) break;
    }
    return out;
}

result<password_points> derive_password_points(bytes_view password,
                                               const public_parameters& parameters) noexcept
{
    if (const error_code failed = initialise_crypto()) return failed;
    if (parameters.iterations == 0) return errc::invalid_public_packet;
    password_stretch stretched;
    stretch(stretched, password, parameters, all_iterations);
    auto points = points_without_l(stretched.sum);
    if (points && !curve::multiply_base_clamped(points->l, points->h_l.view()))
        return errc::point_not_on_subgroup;
    return points;
}

result<session_keys> spoke_server_session::confirm(const validator& client_validator) noexcept
{
    // One attempt only: whatever the result, nothing is left for a second one.
    const main_key main = std::move(main_);
    const bool spent = sodium_is_zero(main.data(), main.size()) != 0;
    const auto version_1 = sub_key(main, client_check);
    const auto version_2 = derive_session2_validator(main, format_public(parameters_));
    const bool is_version_1 = equal_in_constant_time(version_1.view(), client_validator);
    const bool is_version_2 = equal_in_constant_time(version_2.view(), client_validator);
    if (!spent && is_version_1 && versions_ == session_versions::only_2) return errc::version_not_spoken;
    if (!spent && is_version_1) return version_1_keys(main, parameters_);
    if (!spent && is_version_2 && versions_ != session_versions::only_1)
        return version_2_keys(main, parameters_);
    return errc::invalid_server_validator;
}

result<spoke_server> spoke_server::create(bytes_view password, public_parameters parameters,
                                          session_versions versions) noexcept
{
    spoke_server out;
    if (versions != session_versions::only_1) put_session2_mark(parameters);
    out.parameters_ = parameters;
    out.public_ = format_public(parameters);
    out.versions_ = versions;
    // Announce nothing that a client would refuse to read.
    const auto read = read_server_public(out.public_, all_iterations, versions);
    if (!read) return read.error();

    auto points = derive_password_points(password, parameters);
    if (!points) return points.error();
    out.m_ = points->m;
    out.n_ = points->n;
    out.l_ = points->l;
    out.h_k_ = std::move(points->h_k);
    return out;
}

result<spoke_server_session> spoke_server::compute(std::string_view client, std::string_view server,
                                                   const point& x, const secret_scalar& y) const noexcept
{
    point own{}, unmasked{};
    secret_array<32> z, v;
    spoke_server_session out;
    if (!curve::unmask(unmasked, x, m_)) return errc::point_not_on_subgroup;
    if (!curve::multiply(z, y.view(), unmasked)) return errc::point_not_on_subgroup;
    if (!curve::multiply(v, y.view(), l_)) return errc::point_not_on_subgroup;
    if (!curve::multiply_base(own, y.view())) return errc::point_not_on_subgroup;
    if (!curve::mask(out.y_, own, n_)) return errc::point_not_on_subgroup;

    out.main_ = derive_main_key({client, server, x, out.y_, z, v, h_k_});
    const auto check = sub_key(out.main_, server_check);
    std::copy_n(check.data(), validator_bytes, out.server_validator_.begin());
    out.parameters_ = parameters_;
    out.versions_ = versions_;
    return out;
}

result<public_parameters> read_server_public(const public_packet_bytes& server_public,
                                             std::uint64_t max_iterations, session_versions versions) noexcept
{
    auto parameters = parse_public(server_public);
    if (!parameters) return parameters;
    const bool marked = has_session2_mark(server_public);
    if (parameters->iterations > max_iterations ||
        (versions != session_versions::only_1 && marked && !is_session2_public(*parameters)) ||
        (versions == session_versions::only_2 && !marked))
        return errc::invalid_public_packet;
    return parameters;
}

result<spoke_client> spoke_client::create(bytes_view password, const public_packet_bytes& server_public,
                                          const secret_scalar& x, std::uint64_t max_iterations,
                                          session_versions versions) noexcept
{
    const auto parameters = read_server_public(server_public, max_iterations, versions);
    if (!parameters) return parameters.error();
    if (const error_code failed = initialise_crypto()) return failed;

    password_stretch stretched;
    stretch(stretched, password, *parameters, all_iterations);
    return from_stretch(*parameters, versions, stretched, x);
}

result<spoke_client> spoke_client::from_stretch(const public_parameters& parameters,
                                                session_versions versions, const password_stretch& stretched,
                                                const secret_scalar& x) noexcept
{
    auto points = points_without_l(stretched.sum);
    if (!points) return points.error();
    point own{};
    spoke_client out;
    if (!curve::multiply_base(own, x.view())) return errc::point_not_on_subgroup;
    if (!curve::mask(out.x_point_, own, points->m)) return errc::point_not_on_subgroup;
    out.parameters_ = parameters;
    out.versions_ = versions;
    out.n_ = points->n;
    out.x_ = x.duplicate();
    out.h_k_ = std::move(points->h_k);
    out.h_l_ = std::move(points->h_l);
    return out;
}

result<spoke_client_derivation> spoke_client_derivation::create(secret_bytes password,
                                                                const public_packet_bytes& server_public,
                                                                secret_scalar x, std::uint64_t max_iterations,
                                                                session_versions versions)
{
    const auto parameters = read_server_public(server_public, max_iterations, versions);
    if (!parameters) return parameters.error();
    if (const error_code failed = initialise_crypto()) return failed;
    spoke_client_derivation out;
    out.password_ = std::move(password);
    out.parameters_ = *parameters;
    out.versions_ = versions;
    out.x_ = std::move(x);
    return out;
}

bool spoke_client_derivation::run(std::uint64_t iterations) noexcept
{
    if (!client_ && stretch(stretched_, password_.view(), parameters_, iterations))
        client_.emplace(spoke_client::from_stretch(parameters_, versions_, stretched_, x_));
    return done();
}

result<client_agreement> spoke_client::finish(std::string_view client, std::string_view server,
                                              const point& y,
                                              const validator& server_validator) const noexcept
{
    point unmasked{};
    secret_array<32> z, v;
    if (!curve::unmask(unmasked, y, n_)) return errc::point_not_on_subgroup;
    if (!curve::multiply(z, x_.view(), unmasked)) return errc::point_not_on_subgroup;
    if (!curve::multiply_clamped(v, h_l_.view(), unmasked)) return errc::point_not_on_subgroup;

    const main_key main = derive_main_key({client, server, x_point_, y, z, v, h_k_});
    if (!equal_in_constant_time(sub_key(main, server_check).view(), server_validator))
        return errc::invalid_client_validator;
    const public_packet_bytes public_packet = format_public(parameters_);
    const bool uses_version_2 = versions_ != session_versions::only_1 && has_session2_mark(public_packet);
    client_agreement out;
    out.keys = uses_version_2 ? version_2_keys(main, parameters_) : version_1_keys(main, parameters_);
    const auto check =
        uses_version_2 ? derive_session2_validator(main, public_packet) : sub_key(main, client_check);
    std::copy_n(check.data(), validator_bytes, out.client_validator.begin());
    return out;
}

} // namespace parley
