// The keys of session version 2, against byte-exact cases (vectors/session2-keys.json) and by their
// properties.
#include "unit/crypto/support.hpp"

#include <parley/crypto/spoke.hpp>

#include <boost/system/errc.hpp>

#include <set>

namespace parley::test {
namespace {

struct session2_case {
    explicit session2_case(const json& c)
        : password(unhex(c.at("password"))),
          public_packet(unhex_array<public_bytes>(c.at("public"))),
          client_identity(unhex_text(c.at("client_identity"))),
          server_identity(unhex_text(c.at("server_identity"))),
          x(unhex_secret<32>(c.at("x"))),
          y(unhex_secret<32>(c.at("y")))
    {
    }

    // A server whose public is that of the case speaks version 2 when the mark and what goes with it say so.
    result<spoke_server> server(session_versions versions) const
    {
        return spoke_server::create(password, parse_public(public_packet).value(), versions);
    }
    result<spoke_client> client(session_versions versions) const
    {
        return spoke_client::create(password, public_packet, x, default_max_iterations, versions);
    }

    byte_vector password;
    public_packet_bytes public_packet;
    std::string client_identity, server_identity;
    secret_scalar x, y;
};

void expect_session2_keys(const session2_keys& keys, const json& c)
{
    EXPECT_EQ(static_cast<int>(keys.with), c.at("cipher0"));
    EXPECT_EQ(to_hex(keys.server.view()), text_of(c, "server"));
    EXPECT_EQ(to_hex(keys.client.view()), text_of(c, "client"));
    EXPECT_EQ(to_hex(keys.exporter.view()), text_of(c, "exporter"));
    EXPECT_EQ(keys.reconnection_password().text(), text_of(c, "reconnect"));
    for (const json& each : c.at("exports")) {
        byte_vector out(each.at("n").get<std::size_t>());
        EXPECT_FALSE(keys.export_key(text_of(each, "label"), unhex(each.at("context")), out));
        EXPECT_EQ(to_hex(out), text_of(each, "value"));
    }
    const json& next = c.at("after_one_rekey");
    EXPECT_EQ(to_hex(next_direction_key(keys.server).view()), text_of(next, "server"));
    EXPECT_EQ(to_hex(next_direction_key(keys.client).view()), text_of(next, "client"));
}

void check_session2_client(const session2_case& each, const json& c)
{
    const auto client = each.client(session_versions::both);
    if (c.contains("client_answers_spoke_failure")) {
        ASSERT_FALSE(client);
        EXPECT_EQ(static_cast<int>(to_spoke_failure(client.error())), c.at("client_answers_spoke_failure"));
        return;
    }
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_EQ(to_hex(client->x()), text_of(c, "X"));
    const auto agreed =
        client->finish(each.client_identity, each.server_identity, unhex_array<point_bytes>(c.at("Y")),
                       unhex_array<validator_bytes>(c.at("sub2")));
    ASSERT_TRUE(agreed) << agreed.error().message();
    EXPECT_EQ(agreed->keys.version(), c.at("client_uses_version"));
    const bool is_version_2 = c.at("client_uses_version") == 2;
    EXPECT_EQ(to_hex(agreed->client_validator), text_of(c, is_version_2 ? "client_validator" : "sub3"));
    if (is_version_2) expect_session2_keys(*agreed->keys.session2, c);

    // One that speaks only version 1 never sees the mark; one that speaks only version 2 needs it.
    EXPECT_TRUE(each.client(session_versions::only_1));
    EXPECT_EQ(each.client(session_versions::only_2).has_value(), is_version_2);
}

void check_session2_server(const session2_case& each, const json& c)
{
    const bool speaks_version_2 = c.contains("client_validator");
    const auto server = each.server(speaks_version_2 ? session_versions::both : session_versions::only_1);
    ASSERT_TRUE(server) << server.error().message();
    EXPECT_EQ(to_hex(server->public_packet()), text_of(c, "public"));
    for (const json& judged : c.at("server_judges")) {
        auto session = server->compute(each.client_identity, each.server_identity,
                                       unhex_array<point_bytes>(c.at("X")), each.y);
        ASSERT_TRUE(session) << session.error().message();
        EXPECT_EQ(to_hex(session->y()), text_of(c, "Y"));
        EXPECT_EQ(to_hex(session->server_validator()), text_of(c, "sub2"));
        const auto keys = session->confirm(unhex_array<validator_bytes>(judged.at("packet_05")));
        if (judged.at("version").is_null()) {
            EXPECT_EQ(error_of(keys), errc::invalid_server_validator);
            continue;
        }
        ASSERT_TRUE(keys) << keys.error().message();
        EXPECT_EQ(keys->version(), judged.at("version"));
        if (keys->session2) expect_session2_keys(*keys->session2, c);
        // Keys of the version that was not chosen are nowhere.
        const spoke_key none;
        EXPECT_EQ(to_hex(keys->k0.view()) == to_hex(none.view()), keys->version() == 2);
    }
}

void check_session2_case(const json& c)
{
    const session2_case each{c};
    check_session2_client(each, c);
    check_session2_server(each, c);
    if (!c.contains("client_validator")) return;
    const auto main = unhex_secret<64>(c.at("main"));
    const auto with = parse_public(each.public_packet).value().cipher0;
    expect_session2_keys(derive_session2_keys(main, each.public_packet, with), c);
    EXPECT_EQ(to_hex(derive_session2_validator(main, each.public_packet).view()),
              text_of(c, "client_validator"));
}

TEST(session2_vectors, every_key_and_every_judgement)
{
    const json cases = read_json(vectors_root() / "vectors" / "session2-keys.json");
    ASSERT_FALSE(cases.empty());
    for (const json& c : cases) {
        SCOPED_TRACE(text_of(c, "name"));
        ASSERT_NO_THROW(check_session2_case(c));
    }
}

TEST(session2_keys, the_mark_ends_the_salt_and_leaves_the_rest)
{
    seeded_random random(61);
    public_parameters parameters;
    random.fill(parameters.salt);
    const public_parameters before = parameters;
    EXPECT_FALSE(has_session2_mark(format_public(parameters)));
    put_session2_mark(parameters);
    const public_packet_bytes marked = format_public(parameters);
    EXPECT_TRUE(has_session2_mark(marked));
    EXPECT_EQ(to_hex(bytes_view(marked).last(8)), "5041524c45590002");
    EXPECT_TRUE(std::equal(marked.begin(), marked.begin() + 26, format_public(before).begin()));
    parameters.salt.back() = 7; // a later version's
    const auto later = parameters.salt;
    put_session2_mark(parameters);
    EXPECT_EQ(parameters.salt, later);
    for (std::size_t bit = 0; bit < 64; ++bit) {
        public_packet_bytes changed = marked;
        byte& at = changed[26 + bit / 8];
        at = static_cast<byte>(at ^ (1U << (bit % 8)));
        // Only a higher last byte leaves a mark.
        EXPECT_EQ(has_session2_mark(changed), bit >= 56 && bit != 57) << bit;
    }
}

TEST(session2_keys, a_server_announces_version_2_with_its_ciphers_only)
{
    for (const session_versions versions : {session_versions::both, session_versions::only_2})
        for (const cipher c : {cipher::aes_256_gcm, cipher::aes_256_ccm, cipher::chacha20_poly1305})
            for (const std::uint16_t version : std::initializer_list<std::uint16_t>{1, 2}) {
                public_parameters parameters;
                parameters.version = version;
                parameters.cipher0 = c;
                const bool possible = version == 1 && c != cipher::aes_256_ccm;
                const auto server = spoke_server::create(as_bytes("p"), parameters, versions);
                EXPECT_EQ(server.has_value(), possible);
                if (!server) {
                    EXPECT_EQ(server.error(), errc::invalid_public_packet);
                }
                EXPECT_TRUE(spoke_server::create(as_bytes("p"), parameters));
            }
}

// Without this a server of version 2 only would tell its user that the passwords differ.
TEST(session2_keys, a_server_of_version_2_only_knows_a_client_of_version_1_from_a_guess)
{
    seeded_random random(62);
    const secret_scalar x = random_scalar(random), y = random_scalar(random);
    const auto server = spoke_server::create(as_bytes("p"), {}, session_versions::only_2).value();
    const auto old = spoke_client::create(as_bytes("p"), server.public_packet(), x).value();
    auto session = server.compute("c", "s", old.x(), y).value();
    const auto agreed = old.finish("c", "s", session.y(), session.server_validator()).value();
    EXPECT_EQ(agreed.keys.version(), 1);
    const error_code refused = error_of(session.confirm(agreed.client_validator));
    EXPECT_EQ(refused, errc::version_not_spoken);
    EXPECT_EQ(to_spoke_failure(refused), spoke_failure_kind::invalid_server_validator);
    EXPECT_EQ(error_of(session.confirm(agreed.client_validator)), errc::invalid_server_validator) << "spent";
}

TEST(session2_keys, exports_have_bounds_and_a_context_of_their_own)
{
    session2_keys keys;
    seeded_random(63).fill(keys.exporter.span());
    const std::string label(max_export_label_bytes, 'l');
    byte_vector out(max_exported_bytes + 1);
    const auto invalid = make_error_code(boost::system::errc::invalid_argument);
    EXPECT_EQ(keys.export_key(label + 'l', {}, mutable_bytes(out).first(32)), invalid);
    EXPECT_EQ(keys.export_key(label, {}, out), invalid);
    EXPECT_EQ(keys.export_key(label, {}, {}), invalid);
    EXPECT_EQ(out, byte_vector(out.size()));

    std::set<std::string> all;
    using names = std::pair<std::string_view, std::string_view>;
    for (const auto& [name, context] :
         {names{"", ""}, names{"", "a"}, names{"a", ""}, names{"a", "b"}, names{"ab", ""}, names{"", "ab"}}) {
        secret_array<32> key;
        EXPECT_FALSE(keys.export_key(name, as_bytes(context), key.span()));
        EXPECT_TRUE(all.insert(to_hex(key.view())).second) << name << ' ' << context;
    }
    // A shorter key is no beginning of a longer one.
    secret_array<16> shorter;
    EXPECT_FALSE(keys.export_key("a", as_bytes("b"), shorter.span()));
    for (const std::string& each : all) EXPECT_NE(each.substr(0, 32), to_hex(shorter.view()));
}

} // namespace
} // namespace parley::test
