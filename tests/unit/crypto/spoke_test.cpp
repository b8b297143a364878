// Properties of the key agreement, for seeded random passwords, identities and scalars.
#include "unit/crypto/slow_curve.hpp"
#include "unit/crypto/support.hpp"

#include <parley/crypto/spoke.hpp>

namespace parley::test {
namespace {

// Both sides of one agreement, up to the server's answer.
struct meeting {
    byte_vector password;
    public_parameters parameters;
    identity client_identity, server_identity;
    secret_scalar x, y;
    spoke_server server;
    spoke_client client;
    spoke_server_session session;

    explicit meeting(seeded_random& random, std::size_t password_bytes = 8)
        : password(random.bytes(password_bytes)),
          client_identity(some_identity(random)),
          server_identity(some_identity(random)),
          x(random_scalar(random)),
          y(random_scalar(random))
    {
        random.fill(parameters.salt);
        parameters.iterations = 1 + random.below(3);
        server = spoke_server::create(password, parameters).value();
        client = spoke_client::create(password, server.public_packet(), x).value();
        session = server.compute(client_identity, server_identity, client.x(), y).value();
    }

    result<client_agreement> finish(const point& y_point, const validator& server_validator) const
    {
        return client.finish(client_identity, server_identity, y_point, server_validator);
    }
    result<client_agreement> finish() const { return finish(session.y(), session.server_validator()); }
    // A session like this one, because confirming ends a session.
    spoke_server_session again() const
    {
        return server.compute(client_identity, server_identity, client.x(), y).value();
    }
};

template <class Array>
Array flipped(Array bytes, std::size_t bit)
{
    bytes[bit / 8] = static_cast<byte>(bytes[bit / 8] ^ (1U << (bit % 8)));
    return bytes;
}

TEST(spoke, two_sides_of_one_password_meet)
{
    seeded_random random(21);
    for (int i = 0; i < 40; ++i) {
        SCOPED_TRACE(i);
        meeting m(random, random.below(201));
        auto agreed = m.finish();
        ASSERT_TRUE(agreed) << agreed.error().message();
        auto keys = m.session.confirm(agreed->client_validator);
        ASSERT_TRUE(keys) << keys.error().message();
        EXPECT_EQ(to_hex(keys->k0.view()), to_hex(agreed->keys.k0.view()));
        EXPECT_EQ(to_hex(keys->k1.view()), to_hex(agreed->keys.k1.view()));
        EXPECT_NE(to_hex(keys->k0.view()), to_hex(keys->k1.view()));
        EXPECT_NE(agreed->client_validator, m.again().server_validator());
    }
}

TEST(spoke, every_other_password_is_refused)
{
    seeded_random random(22);
    const meeting m(random, 12);
    std::vector<byte_vector> others{
        {}, byte_vector(m.password.begin(), m.password.end() - 1), random.bytes(12)};
    others.push_back(m.password);
    others.back().push_back(0xff);
    for (std::size_t bit = 0; bit < 8 * m.password.size(); bit += 5)
        others.push_back(flipped(m.password, bit));
    for (const byte_vector& password : others) {
        const auto client = spoke_client::create(password, m.server.public_packet(), m.x);
        ASSERT_TRUE(client);
        auto session = m.server.compute(m.client_identity, m.server_identity, client->x(), m.y);
        ASSERT_TRUE(session);
        EXPECT_EQ(error_of(client->finish(m.client_identity, m.server_identity, session->y(),
                                          session->server_validator())),
                  errc::invalid_client_validator);
    }
}

// HMAC pads a short key with zeros and hashes one longer than 64 bytes. So does the reference.
TEST(spoke, a_password_and_the_same_with_zeros_after_it_are_one_password)
{
    public_parameters parameters;
    const byte_vector longer{'a', 0, 0};
    const auto a = derive_password_points(as_bytes("a"), parameters),
               b = derive_password_points(longer, parameters);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->m, b->m);
}

TEST(spoke, any_bit_of_y_or_its_validator_changed_is_refused)
{
    seeded_random random(23);
    const meeting m(random);
    for (std::size_t bit = 0; bit < 8 * point_bytes; ++bit) {
        const error_code answer =
            error_of(m.finish(flipped(m.session.y(), bit), m.session.server_validator()));
        EXPECT_TRUE(answer == errc::point_not_on_subgroup || answer == errc::invalid_client_validator)
            << bit << answer;
    }
    for (std::size_t bit = 0; bit < 8 * validator_bytes; bit += 3)
        EXPECT_EQ(error_of(m.finish(m.session.y(), flipped(m.session.server_validator(), bit))),
                  errc::invalid_client_validator);
    // After all these errors the right answer is still accepted.
    EXPECT_TRUE(m.finish());
}

TEST(spoke, any_bit_of_x_changed_is_refused)
{
    seeded_random random(24);
    const meeting m(random);
    for (std::size_t bit = 0; bit < 8 * point_bytes; ++bit) {
        auto session =
            m.server.compute(m.client_identity, m.server_identity, flipped(m.client.x(), bit), m.y);
        if (!session) {
            EXPECT_EQ(session.error(), errc::point_not_on_subgroup);
            continue;
        }
        EXPECT_EQ(error_of(m.finish(session->y(), session->server_validator())),
                  errc::invalid_client_validator);
        const auto agreed = m.finish();
        ASSERT_TRUE(agreed);
        EXPECT_EQ(error_of(session->confirm(agreed->client_validator)), errc::invalid_server_validator);
    }
}

TEST(spoke, any_bit_of_the_clients_validator_changed_is_refused)
{
    seeded_random random(25);
    const meeting m(random);
    const validator right = m.finish().value().client_validator;
    for (std::size_t bit = 0; bit < 8 * validator_bytes; bit += 7) {
        auto session = m.again();
        EXPECT_EQ(error_of(session.confirm(flipped(right, bit))), errc::invalid_server_validator);
    }
    auto session = m.again();
    EXPECT_TRUE(session.confirm(right));
}

TEST(spoke, other_identities_are_refused)
{
    seeded_random random(26);
    const meeting m(random);
    const point y = m.session.y();
    const validator v = m.session.server_validator();
    const identity other = some_identity(random);
    EXPECT_EQ(error_of(m.client.finish(other, m.server_identity, y, v)), errc::invalid_client_validator);
    EXPECT_EQ(error_of(m.client.finish(m.client_identity, other, y, v)), errc::invalid_client_validator);
    EXPECT_EQ(error_of(m.client.finish(m.server_identity, m.client_identity, y, v)),
              errc::invalid_client_validator);
    EXPECT_EQ(error_of(m.client.finish(identity{}, m.server_identity, y, v)), errc::invalid_client_validator);
}

TEST(spoke, a_session_is_confirmed_once)
{
    seeded_random random(27);
    const meeting m(random);
    const validator right = m.finish().value().client_validator;
    const validator zeros{};

    auto session = m.again();
    ASSERT_TRUE(session.confirm(right));
    EXPECT_EQ(error_of(session.confirm(right)), errc::invalid_server_validator);
    EXPECT_EQ(error_of(session.confirm(zeros)), errc::invalid_server_validator);

    // A wrong validator ends the session, too: nobody gets a second guess.
    session = m.again();
    EXPECT_EQ(error_of(session.confirm(zeros)), errc::invalid_server_validator);
    EXPECT_EQ(error_of(session.confirm(right)), errc::invalid_server_validator);

    auto moved_from = m.again();
    auto moved_to = std::move(moved_from);
    EXPECT_EQ(error_of(moved_from.confirm(zeros)), errc::invalid_server_validator);
    EXPECT_TRUE(moved_to.confirm(right));

    spoke_server_session never_begun;
    EXPECT_EQ(error_of(never_begun.confirm(zeros)), errc::invalid_server_validator);
}

// Of the eight components of small order, only the neutral one may be added to what a peer sends.
TEST(spoke, points_of_small_or_mixed_order_are_refused)
{
    seeded_random random(28);
    const slow_curve curve;
    const auto small = curve.small_order();
    const meeting m(random);
    const auto points = derive_password_points(m.password, m.parameters);
    ASSERT_TRUE(points);
    const auto answer_to_x = [&](const point& x) {
        return error_of(m.server.compute(m.client_identity, m.server_identity, x, m.y));
    };
    const auto answer_to_y = [&](const point& y) {
        return error_of(m.finish(y, m.session.server_validator()));
    };
    for (std::size_t i = 0; i < small.size(); ++i) {
        SCOPED_TRACE("component " + std::to_string(i));
        const error_code mixed = i == 0 ? error_code{} : make_error_code(errc::point_not_on_subgroup);
        EXPECT_EQ(answer_to_x(curve.plus(m.client.x(), small[i])), mixed);
        EXPECT_EQ(answer_to_y(curve.plus(m.session.y(), small[i])), mixed);
        EXPECT_EQ(answer_to_x(curve.plus(points->m, small[i])), errc::point_not_on_subgroup);
        EXPECT_EQ(answer_to_y(curve.plus(points->n, small[i])), errc::point_not_on_subgroup);
        EXPECT_EQ(answer_to_x(curve.encode(small[i])), errc::point_not_on_subgroup);
        EXPECT_EQ(answer_to_y(curve.encode(small[i])), errc::point_not_on_subgroup);
    }
}

// Every non-canonical encoding: y from the prime up, and the two points whose x is zero with the sign set.
TEST(spoke, encodings_that_are_not_canonical_are_refused)
{
    seeded_random random(29);
    const meeting m(random);
    std::vector<point> encodings;
    for (const byte last : {byte{0x7f}, byte{0xff}}) {
        for (int low = 0xed; low < 0x100; ++low) {
            point p;
            p.fill(0xff);
            p[0] = static_cast<byte>(low);
            p[31] = last;
            encodings.push_back(p);
        }
    }
    point neutral{1}, order_two;
    neutral[31] = 0x80;
    order_two.fill(0xff);
    order_two[0] = 0xec;
    encodings.push_back(neutral);
    encodings.push_back(order_two);
    for (const point& p : encodings) {
        EXPECT_EQ(error_of(m.server.compute(m.client_identity, m.server_identity, p, m.y)),
                  errc::point_not_on_subgroup);
        EXPECT_EQ(error_of(m.finish(p, m.session.server_validator())), errc::point_not_on_subgroup);
    }
}

TEST(spoke, arbitrary_bytes_are_never_taken_for_more_than_a_point)
{
    seeded_random random(30);
    const slow_curve curve;
    const meeting m(random);
    const auto points = derive_password_points(m.password, m.parameters);
    ASSERT_TRUE(points);
    for (int i = 0; i < 60; ++i) {
        point p{};
        random.fill(p);
        const auto session = m.server.compute(m.client_identity, m.server_identity, p, m.y);
        EXPECT_EQ(session.has_value(), curve.acceptable(p, points->m));
        const error_code answer = error_of(m.finish(p, m.session.server_validator()));
        EXPECT_EQ(answer, curve.acceptable(p, points->n) ? errc::invalid_client_validator
                                                         : errc::point_not_on_subgroup);
    }
}

TEST(spoke, iterations_have_a_bound_on_the_client)
{
    seeded_random random(31);
    const secret_scalar x = random_scalar(random);
    public_parameters parameters;
    const auto answer = [&](std::uint64_t iterations, std::uint64_t bound) {
        parameters.iterations = iterations;
        return error_of(spoke_client::create(as_bytes("toto"), format_public(parameters), x, bound));
    };
    EXPECT_FALSE(answer(1, 1));
    EXPECT_FALSE(answer(7, 7));
    EXPECT_EQ(answer(8, 7), errc::invalid_public_packet);
    EXPECT_EQ(answer(0, 7), errc::invalid_public_packet);
    EXPECT_EQ(answer(default_max_iterations + 1, default_max_iterations), errc::invalid_public_packet);
    EXPECT_EQ(answer(~std::uint64_t{0}, default_max_iterations), errc::invalid_public_packet);

    parameters.iterations = 0;
    EXPECT_EQ(error_of(spoke_server::create(as_bytes("toto"), parameters)), errc::invalid_public_packet);
    EXPECT_EQ(error_of(derive_password_points(as_bytes("toto"), parameters)), errc::invalid_public_packet);
}

TEST(spoke, a_client_made_in_parts_is_the_same)
{
    seeded_random random(33);
    for (const std::uint64_t part : {1U, 2U, 5U, 1000U}) {
        SCOPED_TRACE(part);
        meeting m(random);
        m.parameters.iterations = 7;
        m.server = spoke_server::create(m.password, m.parameters).value();
        const auto whole = spoke_client::create(m.password, m.server.public_packet(), m.x).value();
        auto parts = spoke_client_derivation::create(secret_bytes{bytes_view{m.password}},
                                                     m.server.public_packet(), m.x.duplicate(), 7)
                         .value();
        EXPECT_FALSE(parts.run(0));
        std::uint64_t calls = 1;
        while (!parts.run(part)) ++calls;
        EXPECT_EQ(calls, (7 + part - 1) / part);
        EXPECT_TRUE(parts.run(part)) << "done is done";
        const auto client = parts.take();
        ASSERT_TRUE(client);
        EXPECT_EQ(client->x(), whole.x());
        const auto session = m.server.compute(m.client_identity, m.server_identity, client->x(), m.y).value();
        EXPECT_TRUE(
            client->finish(m.client_identity, m.server_identity, session.y(), session.server_validator()));
    }
    public_parameters costly;
    costly.iterations = 8;
    EXPECT_EQ(error_of(spoke_client_derivation::create(secret_bytes{}, format_public(costly),
                                                       random_scalar(random), 7)),
              errc::invalid_public_packet);
}

TEST(spoke, a_server_announces_nothing_that_no_client_reads)
{
    public_parameters parameters;
    parameters.cipher0 = static_cast<cipher>(3);
    EXPECT_EQ(error_of(spoke_server::create(as_bytes("toto"), parameters)), errc::invalid_public_packet);
}

TEST(spoke, a_zero_scalar_is_refused)
{
    seeded_random random(32);
    const meeting m(random);
    const secret_scalar zero;
    EXPECT_EQ(error_of(spoke_client::create(m.password, m.server.public_packet(), zero)),
              errc::point_not_on_subgroup);
    EXPECT_EQ(error_of(m.server.compute(m.client_identity, m.server_identity, m.client.x(), zero)),
              errc::point_not_on_subgroup);
}

TEST(spoke, random_scalars_have_their_shape)
{
    seeded_random random(33);
    std::array<byte, 32> ever_set{};
    for (int i = 0; i < 200; ++i) {
        const secret_scalar scalar = random_scalar(random);
        for (std::size_t j = 0; j < ever_set.size(); ++j)
            ever_set[j] = static_cast<byte>(ever_set[j] | scalar.data()[j]);
    }
    EXPECT_EQ(ever_set[0], 0xf8);
    EXPECT_EQ(ever_set[31], 0x7f);
    for (std::size_t j = 1; j < 31; ++j) EXPECT_EQ(ever_set[j], 0xff) << j;
}

TEST(spoke, a_scalar_is_asked_for_again_when_it_is_zero)
{
    class mostly_zero final : public random_source {
    public:
        explicit mostly_zero(int zeros) : zeros_(zeros) {}
        void fill(mutable_bytes out) noexcept override
        {
            // Clearing removes exactly the bits of 7 and 80.
            std::fill(out.begin(), out.end(), byte{0});
            out.front() = 7;
            out.back() = zeros_-- > 0 ? 0x80 : 0x81;
        }

    private:
        int zeros_;
    };
    mostly_zero twice(2), always(1'000'000);
    EXPECT_EQ(random_scalar(twice).data()[31], 1);
    // A source that gives only zeros is broken. Every function that takes a scalar refuses the resulting
    // zero.
    const secret_scalar zero = random_scalar(always);
    EXPECT_TRUE(std::all_of(zero.view().begin(), zero.view().end(), [](byte b) { return b == 0; }));
}

TEST(spoke, the_order_of_the_ciphers_is_kept)
{
    seeded_random random(34);
    public_parameters parameters;
    parameters.cipher0 = cipher::chacha20_poly1305;
    parameters.cipher1 = cipher::aes_256_ccm;
    const auto server = spoke_server::create(as_bytes("toto"), parameters);
    ASSERT_TRUE(server);
    const auto client =
        spoke_client::create(as_bytes("toto"), server->public_packet(), random_scalar(random));
    ASSERT_TRUE(client);
    const identity a = some_identity(random), b = some_identity(random);
    auto session = server->compute(a, b, client->x(), random_scalar(random));
    ASSERT_TRUE(session);
    const auto agreed = client->finish(a, b, session->y(), session->server_validator());
    ASSERT_TRUE(agreed);
    const auto keys = session->confirm(agreed->client_validator);
    ASSERT_TRUE(keys);
    for (const session_keys* k : {&agreed->keys, &*keys}) {
        EXPECT_EQ(k->cipher0, cipher::chacha20_poly1305);
        EXPECT_EQ(k->cipher1, cipher::aes_256_ccm);
    }
}

} // namespace
} // namespace parley::test
