// The operations on Ed25519 points that spoke needs, with the checks of PROTOCOL.md section 5.3. Private to
// crypto.
#pragma once

#include <parley/base/secret.hpp>
#include <parley/wire/packet.hpp>

namespace parley::curve {

// Whether `p` is the one valid encoding of its y coordinate (y < 2^255 - 19). Does not check the curve.
bool is_canonical(const point& p) noexcept;

// Whether `p` encodes the neutral element, with either sign bit.
bool is_neutral(const point& p) noexcept;

// Whether `p` is a point of the prime-order subgroup and not the neutral element. Multiplies `p` by the
// group's order plus one. Correct with every version of libsodium, at the cost of one multiplication.
bool has_prime_order(const point& p) noexcept;

// Whether libsodium's multiplication refuses every point outside the prime-order subgroup. Older versions let
// points with a component of order two pass. Tests the library once.
bool multiplication_checks_order() noexcept;

// Maps 32 uniform bytes to a point of the prime-order subgroup. False when it is the neutral element.
bool from_uniform(point& out, std::span<const byte, 32> uniform) noexcept;

// scalar * B, without clamping and with clamping. False when the result is the neutral element.
bool multiply_base(point& out, std::span<const byte, 32> scalar) noexcept;
bool multiply_base_clamped(point& out, std::span<const byte, 32> scalar) noexcept;

// The point that a side sends: own + mask. False when the result is the neutral element.
bool mask(point& out, const point& own, const point& mask) noexcept;

// The point that a side computes with: received - mask, where `mask` has prime order. False when `received`
// is not canonical, not on the curve or neutral. If the library's multiplication checks the order, the caller
// must multiply the result, and that refuses any other order. Otherwise unmask() checks the order itself. If
// the result has prime order, so has `received`.
bool unmask(point& out, const point& received, const point& mask) noexcept;

// scalar * p, without clamping and with clamping. False when the result is the neutral element or `p` is not
// of prime order (but see multiplication_checks_order).
bool multiply(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept;
bool multiply_clamped(secret_array<32>& out, std::span<const byte, 32> scalar, const point& p) noexcept;

} // namespace parley::curve
