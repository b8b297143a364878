// The private operations on points, against the vectors and a slow curve written from the definition.
#include "unit/crypto/slow_curve.hpp"
#include "unit/crypto/support.hpp"

#include <crypto/curve.hpp>
#include <parley/crypto/random.hpp>

namespace parley::test {
namespace {

point some_point(seeded_random& random)
{
    point out{};
    EXPECT_TRUE(curve::multiply_base(out, random_scalar(random).view()));
    return out;
}

class curve_operations : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_FALSE(initialise_crypto()); }

    seeded_random random_{11};
    slow_curve slow_;
};

TEST_F(curve_operations, agree_with_the_definition)
{
    for (int i = 0; i < 8; ++i) {
        const point a = some_point(random_), b = some_point(random_);
        point sum{}, difference{};
        ASSERT_TRUE(curve::mask(sum, a, b));
        EXPECT_EQ(sum, slow_.plus(a, slow_.decode(b).value()));
        ASSERT_TRUE(curve::unmask(difference, sum, b));
        EXPECT_EQ(difference, a);
        EXPECT_TRUE(curve::has_prime_order(a));
        EXPECT_TRUE(slow_.has_prime_order(slow_.decode(a).value()));
    }
}

TEST_F(curve_operations, z_and_v_of_the_vectors_from_either_side)
{
    std::size_t checked = 0;
    for (const json& c : read_json(vectors_root() / "vectors" / "spoke.json")) {
        if (c.at("kind") != "handshake") continue;
        point theirs{};
        secret_array<32> z, v;
        ASSERT_TRUE(curve::unmask(theirs, unhex_array<32>(c.at("X")), unhex_array<32>(c.at("M"))));
        ASSERT_TRUE(curve::multiply(z, unhex_array<32>(c.at("y")), theirs));
        ASSERT_TRUE(curve::multiply(v, unhex_array<32>(c.at("y")), unhex_array<32>(c.at("L"))));
        EXPECT_EQ(to_hex(z.view()), text_of(c, "Z"));
        EXPECT_EQ(to_hex(v.view()), text_of(c, "V"));
        ASSERT_TRUE(curve::unmask(theirs, unhex_array<32>(c.at("Y")), unhex_array<32>(c.at("N"))));
        ASSERT_TRUE(curve::multiply(z, unhex_array<32>(c.at("x")), theirs));
        ASSERT_TRUE(curve::multiply_clamped(v, unhex_array<32>(c.at("h_L")), theirs));
        EXPECT_EQ(to_hex(z.view()), text_of(c, "Z"));
        EXPECT_EQ(to_hex(v.view()), text_of(c, "V"));
        point m{}, n{};
        const byte_vector derived = unhex(c.at("pbkdf2_128"));
        ASSERT_TRUE(curve::from_uniform(m, std::span<const byte, 32>(derived.data(), 32)));
        ASSERT_TRUE(curve::from_uniform(n, std::span<const byte, 32>(derived.data() + 32, 32)));
        EXPECT_EQ(to_hex(m), text_of(c, "M"));
        EXPECT_EQ(to_hex(n), text_of(c, "N"));
        ++checked;
    }
    EXPECT_TRUE(checked > 0 || vectors_were_chosen());
}

TEST_F(curve_operations, only_points_of_prime_order_have_prime_order)
{
    const auto small = slow_.small_order();
    for (int i = 0; i < 3; ++i) {
        const point good = some_point(random_);
        for (std::size_t j = 0; j < small.size(); ++j) {
            SCOPED_TRACE("component " + std::to_string(j));
            EXPECT_EQ(curve::has_prime_order(slow_.plus(good, small[j])), j == 0);
            EXPECT_FALSE(curve::has_prime_order(slow_.encode(small[j])));
        }
    }
    // Not a point of the curve, or not a canonical encoding of one.
    for (byte y = 0; y < 64; ++y) {
        const point p{y};
        const auto decoded = slow_.decode(p);
        EXPECT_EQ(curve::has_prime_order(p), decoded && slow_.has_prime_order(*decoded)) << int{y};
    }
}

// With each component of small order, both where the library checks the order and with our own check in its
// place.
TEST_F(curve_operations, no_side_computes_with_a_component_of_small_order)
{
    const auto small = slow_.small_order();
    const point good = some_point(random_), mask = some_point(random_);
    const secret_scalar scalar = random_scalar(random_);
    for (std::size_t j = 0; j < small.size(); ++j) {
        SCOPED_TRACE("component " + std::to_string(j));
        for (const point& received :
             {slow_.plus(good, small[j]), slow_.plus(mask, small[j]), slow_.encode(small[j])}) {
            point unmasked{};
            secret_array<32> product;
            const bool computed =
                curve::unmask(unmasked, received, mask) && curve::multiply(product, scalar.view(), unmasked);
            EXPECT_EQ(computed, slow_.acceptable(received, mask));
            EXPECT_EQ(computed, received == good);
        }
        point mixed = slow_.plus(good, small[j]);
        secret_array<32> product;
        if (curve::multiplication_checks_order()) {
            EXPECT_EQ(curve::multiply(product, scalar.view(), mixed), j == 0);
        }
    }
}

TEST_F(curve_operations, canonical_means_below_the_prime)
{
    point p;
    p.fill(0xff);
    for (const byte sign : {byte{0x7f}, byte{0xff}}) {
        p[31] = sign;
        for (int low = 0; low < 256; ++low) {
            p[0] = static_cast<byte>(low);
            EXPECT_EQ(curve::is_canonical(p), low < 0xed) << low;
        }
        for (std::size_t i = 1; i < 32; ++i) {
            point smaller = p;
            smaller[i] ^= 1;
            EXPECT_TRUE(curve::is_canonical(smaller)) << i;
        }
    }
    EXPECT_TRUE(curve::is_canonical(point{}));
}

TEST_F(curve_operations, neutral_in_either_sign)
{
    point p{1};
    EXPECT_TRUE(curve::is_neutral(p));
    p[31] = 0x80;
    EXPECT_TRUE(curve::is_neutral(p));
    for (std::size_t i = 0; i < 32; ++i) {
        point other{1};
        other[i] ^= 2;
        EXPECT_FALSE(curve::is_neutral(other)) << i;
    }
}

TEST_F(curve_operations, a_zero_result_is_refused)
{
    const point p = some_point(random_);
    const std::array<byte, 32> zero{};
    point out{};
    secret_array<32> product;
    EXPECT_FALSE(curve::multiply_base(out, zero));
    EXPECT_FALSE(curve::multiply(product, zero, p));
    EXPECT_FALSE(curve::mask(out, p, slow_.encode(slow_.negative(slow_.decode(p).value()))));
    EXPECT_FALSE(curve::unmask(out, p, p));
}

} // namespace
} // namespace parley::test
