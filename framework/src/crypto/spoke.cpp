#include <parley/crypto/random.hpp>
#include <parley/crypto/spoke.hpp>

#include <crypto/curve.hpp>

#include <sodium.h>

#include <limits>
#include <type_traits>
#include <utility>

namespace parley {

namespace {

// A libsodium state that has held secrets.
template <class State>
struct wiped {
    static_assert(std::is_trivially_copyable_v<State>);
    State value;
    ~wiped() { wipe({reinterpret_cast<byte*>(&value), sizeof value}); }
};

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

// The keys and validators of section 5.4.
struct key_schedule {
    session_keys keys;
    secret_array<validator_bytes> server_validator; // sub(2)
    secret_array<validator_bytes> client_validator; // sub(3)
};

void hash_more(crypto_generichash_blake2b_state& state, bytes_view bytes) noexcept
{
    crypto_generichash_blake2b_update(&state, bytes.data(), bytes.size());
}

secret_array<64> main_key(const exchanged& e) noexcept
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
    secret_array<64> out;
    crypto_generichash_blake2b_final(&state.value, out.data(), out.size());
    return out;
}

// sub(i): a hash of 32 bytes under the main key. The name and the number are its message. They are not
// BLAKE2b's salt or personalization.
secret_array<64> sub_key(const secret_array<64>& main, byte i) noexcept
{
    std::array<byte, 32> message{'S', 'P', 'O', 'K', 'E'};
    message[16] = i;
    secret_array<64> out;
    crypto_generichash_blake2b(out.data(), out.size(), message.data(), message.size(), main.data(),
                               main.size());
    return out;
}

key_schedule derive_keys(const exchanged& e, const public_parameters& parameters) noexcept
{
    const secret_array<64> main = main_key(e);
    return {session_keys{parameters.cipher0, parameters.cipher1, sub_key(main, 0), sub_key(main, 1)},
            sub_key(main, 2), sub_key(main, 3)};
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
    const secret_array<validator_bytes> expected = std::move(expected_client_validator_);
    session_keys keys = std::move(keys_);
    // An expected validator of zeros means that the session is spent, moved from or was never begun.
    const bool spent = sodium_is_zero(expected.data(), expected.size()) != 0;
    if (!equal_in_constant_time(expected.view(), client_validator) || spent)
        return errc::invalid_server_validator;
    return keys;
}

result<spoke_server> spoke_server::create(bytes_view password, const public_parameters& parameters) noexcept
{
    spoke_server out;
    out.parameters_ = parameters;
    out.public_ = format_public(parameters);
    // Announce nothing that a client would refuse to read.
    if (!parse_public(out.public_)) return errc::invalid_public_packet;

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

    key_schedule schedule = derive_keys({client, server, x, out.y_, z, v, h_k_}, parameters_);
    std::copy_n(schedule.server_validator.data(), validator_bytes, out.server_validator_.begin());
    out.expected_client_validator_ = std::move(schedule.client_validator);
    out.keys_ = std::move(schedule.keys);
    return out;
}

result<spoke_client> spoke_client::create(bytes_view password, const public_packet_bytes& server_public,
                                          const secret_scalar& x, std::uint64_t max_iterations) noexcept
{
    const auto parameters = parse_public(server_public);
    if (!parameters) return parameters.error();
    // The peer chooses the amount of work, so check the bound before doing any of it.
    if (parameters->iterations > max_iterations) return errc::invalid_public_packet;
    if (const error_code failed = initialise_crypto()) return failed;

    password_stretch stretched;
    stretch(stretched, password, *parameters, all_iterations);
    return from_stretch(*parameters, stretched, x);
}

result<spoke_client> spoke_client::from_stretch(const public_parameters& parameters,
                                                const password_stretch& stretched,
                                                const secret_scalar& x) noexcept
{
    auto points = points_without_l(stretched.sum);
    if (!points) return points.error();
    point own{};
    spoke_client out;
    if (!curve::multiply_base(own, x.view())) return errc::point_not_on_subgroup;
    if (!curve::mask(out.x_point_, own, points->m)) return errc::point_not_on_subgroup;
    out.parameters_ = parameters;
    out.n_ = points->n;
    out.x_ = x.duplicate();
    out.h_k_ = std::move(points->h_k);
    out.h_l_ = std::move(points->h_l);
    return out;
}

result<spoke_client_derivation> spoke_client_derivation::create(secret_bytes password,
                                                                const public_packet_bytes& server_public,
                                                                secret_scalar x, std::uint64_t max_iterations)
{
    const auto parameters = parse_public(server_public);
    if (!parameters) return parameters.error();
    if (parameters->iterations > max_iterations) return errc::invalid_public_packet;
    if (const error_code failed = initialise_crypto()) return failed;
    spoke_client_derivation out;
    out.password_ = std::move(password);
    out.parameters_ = *parameters;
    out.x_ = std::move(x);
    return out;
}

bool spoke_client_derivation::run(std::uint64_t iterations) noexcept
{
    if (!client_ && stretch(stretched_, password_.view(), parameters_, iterations))
        client_.emplace(spoke_client::from_stretch(parameters_, stretched_, x_));
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

    key_schedule schedule = derive_keys({client, server, x_point_, y, z, v, h_k_}, parameters_);
    if (!equal_in_constant_time(schedule.server_validator.view(), server_validator))
        return errc::invalid_client_validator;
    client_agreement out;
    out.keys = std::move(schedule.keys);
    std::copy_n(schedule.client_validator.data(), validator_bytes, out.client_validator.begin());
    return out;
}

} // namespace parley
