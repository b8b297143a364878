// Ed25519 from its textbook definition on big integers: slow, and independent of every library under test.
#pragma once

#include <parley/wire/packet.hpp>

#include <boost/multiprecision/cpp_int.hpp>

#include <optional>

namespace parley::test {

class slow_curve {
public:
    using number = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
        576, 576, boost::multiprecision::unsigned_magnitude, boost::multiprecision::unchecked>>;

    // A point (x / z, y / z).
    struct projective {
        number x, y, z;
    };

    slow_curve()
        : prime_((number{1} << 255) - 19),
          order_((number{1} << 252) + number{"27742317777372353535851937790883648493"}),
          d_(multiply(prime_ - 121665, inverse(121666))),
          root_of_minus_one_(power(2, (prime_ - 1) / 4))
    {
    }

    // The point that `bytes` encode, if the encoding is canonical.
    std::optional<projective> decode(const point& bytes) const
    {
        number y = 0;
        for (std::size_t i = bytes.size(); i-- > 0;) y = (y << 8) | bytes[i];
        const bool odd = (bytes[31] & 0x80) != 0;
        if (odd) y -= number{1} << 255;
        if (y >= prime_) return {};
        const number y2 = multiply(y, y);
        const number x2 = multiply(subtract(y2, 1), inverse(add(multiply(d_, y2), 1)));
        number x = power(x2, (prime_ + 3) / 8);
        if (multiply(x, x) != x2) x = multiply(x, root_of_minus_one_);
        if (multiply(x, x) != x2) return {};
        if (x == 0 && odd) return {};
        if ((x % 2 == 1) != odd) x = prime_ - x;
        return projective{x, y, 1};
    }

    point encode(const projective& p) const
    {
        const number z = inverse(p.z);
        number y = multiply(p.y, z);
        const bool odd = multiply(p.x, z) % 2 == 1;
        point out{};
        for (byte& b : out) {
            b = static_cast<byte>(y & 0xff);
            y >>= 8;
        }
        out[31] = static_cast<byte>(out[31] | (odd ? 0x80 : 0));
        return out;
    }

    // The complete addition law of the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2.
    projective add(const projective& p, const projective& q) const
    {
        const number a = multiply(p.z, q.z), b = multiply(a, a), c = multiply(p.x, q.x),
                     e = multiply(p.y, q.y);
        const number f = multiply(d_, multiply(c, e)), g = subtract(b, f), h = add(b, f);
        const number cross = subtract(subtract(multiply(add(p.x, p.y), add(q.x, q.y)), c), e);
        return {multiply(a, multiply(g, cross)), multiply(a, multiply(h, add(e, c))), multiply(g, h)};
    }
    projective negative(const projective& p) const { return {subtract(0, p.x), p.y, p.z}; }

    projective multiply(number scalar, projective p) const
    {
        projective out = neutral();
        for (; scalar != 0; scalar >>= 1) {
            if (scalar % 2 == 1) out = add(out, p);
            p = add(p, p);
        }
        return out;
    }

    projective multiply_by_order(const projective& p) const { return multiply(order_, p); }

    static projective neutral() { return {0, 1, 1}; }
    bool is_neutral(const projective& p) const { return p.x == 0 && p.y == p.z; }
    bool has_prime_order(const projective& p) const
    {
        return !is_neutral(p) && is_neutral(multiply_by_order(p));
    }

    // Whether a side may compute with what it received, exactly as in PROTOCOL.md section 5.3.
    bool acceptable(const point& received, const point& mask) const
    {
        const auto r = decode(received), m = decode(mask);
        return r && m && has_prime_order(*r) && has_prime_order(add(*r, negative(*m)));
    }

    // The eight points whose order divides eight, the neutral element first.
    std::array<projective, 8> small_order() const
    {
        // A generator: some point times the prime order, if that has order eight.
        point bytes{};
        for (;; ++bytes[0]) {
            const auto p = decode(bytes);
            if (!p) continue;
            const projective t = multiply_by_order(*p);
            if (is_neutral(multiply(4, t))) continue;
            std::array<projective, 8> out;
            out[0] = neutral();
            for (std::size_t i = 1; i < out.size(); ++i) out[i] = add(out[i - 1], t);
            return out;
        }
    }

    // The encoded sum of `bytes` and another point.
    point plus(const point& bytes, const projective& other) const
    {
        return encode(add(decode(bytes).value(), other));
    }

private:
    number add(const number& a, const number& b) const { return (a + b) % prime_; }
    number subtract(const number& a, const number& b) const { return (a + prime_ - b) % prime_; }
    number multiply(const number& a, const number& b) const { return (a * b) % prime_; }
    number power(const number& a, const number& exponent) const
    {
        return boost::multiprecision::powm(a, exponent, prime_);
    }
    number inverse(const number& a) const { return power(a, prime_ - 2); }

    number prime_, order_, d_, root_of_minus_one_;
};

} // namespace parley::test
