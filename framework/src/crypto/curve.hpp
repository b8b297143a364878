// The few operations on Ed25519 points that spoke needs, with the checks of PROTOCOL.md section 5.3. Private
// to crypto.
#pragma once

#include <parley/base/secret.hpp>
#include <parley/wire/packet.hpp>

namespace parley::curve {

// Whether `p` is the one valid encoding of its y coordinate (y < 2^255 - 19). Says nothing of the curve.
bool is_canonical(const point& p) noexcept;

// Whether `p` encodes the neutral element, with either sign bit.
bool is_neutral(const point& p) noexcept;

// Whether `p` is a point of the prime-order subgroup, found by multiplying with the group's order and one.
// The neutral element is not. Right with every version of libsodium, at the cost of one multiplication.
bool has_prime_order(const point& p) noexcept;

// Whether the library's multiplication refuses points outside the prime-order subgroup, those with a
// component of order two among them, which older versions let pass. Asked of the library itself, once.
bool multiplication_checks_order() noexcept;

// The point that 32 uniform bytes give: always in the prime-order subgroup. False when it is the neutral
// element.
bool from_uniform(point& out, std::span<const byte, 32> uniform) noexcept;

// scalar * B, not clamped; clamped. False when the result is the neutral element.
bool multiply_base(point& out, std::span<const byte, 32> scalar) noexcept;
bool multiply_base_clamped(point& out, std::span<const byte, 32> scalar) noexcept;

// What a side sends: own + mask. False when the result is the neutral element.
bool mask(point& out, const point& own, const point& mask) noexcept;

// What a side computes with: received - mask, where `mask` is of the prime-order subgroup. False when
// `received` is not canonical, not on the curve or neutral. That the result has prime order is settled by the
// multiplication that must follow (it refuses anything else), or here where the library's multiplication is
// not to be trusted with it; and then so has `received`.
bool unmask(point& out, const point& received, const point& mask) noexcept;

// scalar * p, not clamped; clamped. False when `p` is not of prime order (see multiplication_checks_order) or
// the result is the neutral element.
bool multiply(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept;
bool multiply_clamped(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept;

} // namespace parley::curve
