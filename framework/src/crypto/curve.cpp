#include <crypto/curve.hpp>

#include <sodium.h>

namespace parley::curve {

namespace {

static_assert(point_bytes == crypto_core_ed25519_BYTES);
static_assert(crypto_scalarmult_ed25519_SCALARBYTES == 32 && crypto_core_ed25519_UNIFORMBYTES == 32);

// The order of the subgroup, 2^252 + 27742317777372353535851937790883648493, plus one; little-endian.
constexpr std::array<byte, 32> order_plus_one{
    0xee, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

// Points of order two, four and eight.
constexpr std::array<point, 3> small_order{{
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
}};

constexpr std::array<byte, 32> eight{8};

// Whether bytes 1..30 are all `middle` and byte 31 without the sign bit is `last`.
bool upper_bytes_are(const point& p, byte middle, byte last) noexcept
{
    if ((p[31] & 0x7f) != last) return false;
    return std::all_of(p.begin() + 1, p.begin() + 31, [middle](byte b) { return b == middle; });
}

} // namespace

bool is_canonical(const point& p) noexcept
{
    return p[0] < 0xed || !upper_bytes_are(p, 0xff, 0x7f);
}

bool is_neutral(const point& p) noexcept
{
    return p[0] == 1 && upper_bytes_are(p, 0, 0);
}

bool has_prime_order(const point& p) noexcept
{
    if (!is_canonical(p) || is_neutral(p)) return false;
    // (order + 1) p = p exactly when order * p is neutral. Comparing with p, rather than with the neutral
    // element, does not depend on how a version of libsodium reports a neutral result.
    point same{};
    return crypto_scalarmult_ed25519_noclamp(same.data(), order_plus_one.data(), p.data()) == 0 && same == p;
}

bool multiplication_checks_order() noexcept
{
    static const bool checks = [] {
        constexpr std::array<byte, 32> one{1};
        point base{};
        if (crypto_scalarmult_ed25519_base_noclamp(base.data(), one.data()) != 0) return false;
        for (const point& small : small_order) {
            point mixed{}, product{};
            if (crypto_core_ed25519_add(mixed.data(), base.data(), small.data()) != 0) return false;
            if (crypto_scalarmult_ed25519_noclamp(product.data(), eight.data(), mixed.data()) == 0)
                return false;
            if (crypto_scalarmult_ed25519(product.data(), eight.data(), mixed.data()) == 0) return false;
        }
        return true;
    }();
    return checks;
}

bool from_uniform(point& out, std::span<const byte, 32> uniform) noexcept
{
    return crypto_core_ed25519_from_uniform(out.data(), uniform.data()) == 0 && !is_neutral(out);
}

bool multiply_base(point& out, std::span<const byte, 32> scalar) noexcept
{
    return crypto_scalarmult_ed25519_base_noclamp(out.data(), scalar.data()) == 0 && !is_neutral(out);
}

bool multiply_base_clamped(point& out, std::span<const byte, 32> scalar) noexcept
{
    return crypto_scalarmult_ed25519_base(out.data(), scalar.data()) == 0 && !is_neutral(out);
}

bool mask(point& out, const point& own, const point& mask) noexcept
{
    return crypto_core_ed25519_add(out.data(), own.data(), mask.data()) == 0 && !is_neutral(out);
}

bool unmask(point& out, const point& received, const point& mask) noexcept
{
    // One check of the order covers both points: they differ by `mask`, which has prime order.
    if (!is_canonical(received) || is_neutral(received)) return false;
    if (crypto_core_ed25519_sub(out.data(), received.data(), mask.data()) != 0 || is_neutral(out))
        return false;
    return multiplication_checks_order() || has_prime_order(out);
}

bool multiply(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept
{
    return crypto_scalarmult_ed25519_noclamp(out.data(), scalar.data(), p.data()) == 0;
}

bool multiply_clamped(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept
{
    return crypto_scalarmult_ed25519(out.data(), scalar.data(), p.data()) == 0;
}

} // namespace parley::curve
