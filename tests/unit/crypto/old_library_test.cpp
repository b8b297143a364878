// The key agreement on a libsodium whose multiplication lets a component of order two pass, as released
// versions do. This program defines the two multiplications itself, on the slow curve, and thus replaces the
// library's.
#include "unit/crypto/slow_curve.hpp"
#include "unit/crypto/support.hpp"

#include <crypto/curve.hpp>
#include <parley/crypto/spoke.hpp>

namespace parley::test {
namespace {

const slow_curve& slow()
{
    static const slow_curve curve;
    return curve;
}

int careless_multiply(unsigned char* q, std::array<byte, 32> scalar, const unsigned char* p)
{
    point encoded{};
    std::copy_n(p, encoded.size(), encoded.begin());
    const auto decoded = slow().decode(encoded);
    if (!decoded || slow().is_neutral(slow().multiply(8, *decoded))) return -1;
    // The old check looks only at x, and the point of order two has the x of the neutral element.
    if (slow().multiply_by_order(*decoded).x != 0) return -1;

    slow_curve::number n = 0;
    for (std::size_t i = scalar.size(); i-- > 0;) n = (n << 8) | scalar[i];
    const auto product = slow().multiply(n, *decoded);
    const point out = slow().encode(product);
    std::copy(out.begin(), out.end(), q);
    return slow().is_neutral(product) ? -1 : 0;
}

std::array<byte, 32> scalar_at(const unsigned char* n)
{
    std::array<byte, 32> out{};
    std::copy_n(n, out.size(), out.begin());
    out[31] &= 0x7f;
    return out;
}

} // namespace
} // namespace parley::test

extern "C" {
int crypto_scalarmult_ed25519_noclamp(unsigned char* q, const unsigned char* n, const unsigned char* p)
{
    return parley::test::careless_multiply(q, parley::test::scalar_at(n), p);
}
int crypto_scalarmult_ed25519(unsigned char* q, const unsigned char* n, const unsigned char* p)
{
    auto clamped = parley::test::scalar_at(n);
    clamped[0] &= 0xf8;
    clamped[31] |= 0x40;
    return parley::test::careless_multiply(q, clamped, p);
}
}

namespace parley::test {
namespace {

TEST(old_library, lets_a_component_of_order_two_pass)
{
    seeded_random random(51);
    const auto small = slow().small_order();
    point good{};
    ASSERT_TRUE(curve::multiply_base(good, random_scalar(random).view()));
    const secret_scalar scalar = random_scalar(random);
    secret_array<32> product;
    for (std::size_t i = 0; i < small.size(); ++i)
        EXPECT_EQ(curve::multiply(product, scalar.view(), slow().plus(good, small[i])), i == 0 || i == 4)
            << i;
}

TEST(old_library, is_found_out)
{
    EXPECT_FALSE(curve::multiplication_checks_order());
}

TEST(old_library, has_its_own_check_of_the_order)
{
    seeded_random random(52);
    const auto small = slow().small_order();
    point good{};
    ASSERT_TRUE(curve::multiply_base(good, random_scalar(random).view()));
    for (std::size_t i = 0; i < small.size(); ++i) {
        EXPECT_EQ(curve::has_prime_order(slow().plus(good, small[i])), i == 0) << i;
        EXPECT_FALSE(curve::has_prime_order(slow().encode(small[i]))) << i;
    }
}

// Of the eight components of small order, only the neutral one may be added to what a peer sends.
TEST(old_library, makes_no_difference_to_the_key_agreement)
{
    seeded_random random(53);
    const auto small = slow().small_order();
    const identity client_identity = some_identity(random), server_identity = some_identity(random);
    const public_parameters parameters;
    const secret_scalar y = random_scalar(random);
    const auto points = derive_password_points(as_bytes("toto"), parameters);
    const auto server = spoke_server::create(as_bytes("toto"), parameters);
    ASSERT_TRUE(points && server);
    const auto client =
        spoke_client::create(as_bytes("toto"), server->public_packet(), random_scalar(random));
    ASSERT_TRUE(client);
    auto session = server->compute(client_identity, server_identity, client->x(), y);
    ASSERT_TRUE(session);
    const point y_point = session->y();

    const auto x_is_taken = [&](const point& x) {
        const auto answer = server->compute(client_identity, server_identity, x, y);
        EXPECT_TRUE(answer || answer.error() == errc::point_not_on_subgroup);
        return answer.has_value();
    };
    const auto y_is_taken = [&](const point& answered) {
        const auto answer =
            client->finish(client_identity, server_identity, answered, session->server_validator());
        EXPECT_TRUE(answer || answer.error() == errc::point_not_on_subgroup);
        return answer.has_value();
    };
    for (std::size_t i = 0; i < small.size(); ++i) {
        SCOPED_TRACE("component " + std::to_string(i));
        EXPECT_EQ(x_is_taken(slow().plus(client->x(), small[i])), i == 0);
        EXPECT_EQ(y_is_taken(slow().plus(y_point, small[i])), i == 0);
        EXPECT_FALSE(x_is_taken(slow().plus(points->m, small[i])));
        EXPECT_FALSE(y_is_taken(slow().plus(points->n, small[i])));
        EXPECT_FALSE(x_is_taken(slow().encode(small[i])));
        EXPECT_FALSE(y_is_taken(slow().encode(small[i])));
    }

    const auto agreed =
        client->finish(client_identity, server_identity, y_point, session->server_validator());
    ASSERT_TRUE(agreed);
    EXPECT_TRUE(session->confirm(agreed->client_validator));
}

} // namespace
} // namespace parley::test
