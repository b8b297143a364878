// Key agreement against byte-exact cases: vectors/spoke.json and the transcripts.
#include "unit/crypto/slow_curve.hpp"
#include "unit/crypto/support.hpp"

#include <parley/crypto/spoke.hpp>

#include <map>
#include <optional>
#include <set>

namespace parley::test {
namespace {

json spoke_cases(std::string_view kind)
{
    const json all = read_json(vectors_root() / "vectors" / "spoke.json");
    json out = json::array();
    for (const json& c : all)
        if (c.at("kind") == kind) out.push_back(c);
    // Our own files have both kinds. A chosen file may have only one, but must not be empty.
    EXPECT_FALSE(vectors_were_chosen() ? all.empty() : out.empty());
    return out;
}

// The reference's answer as our error code; no error for "accepted".
error_code answer_named(const std::string& name)
{
    if (name == "accepted") return {};
    if (name == "Point_is_not_on_prime_order_subgroup") return errc::point_not_on_subgroup;
    if (name == "Invalid_client_validator") return errc::invalid_client_validator;
    if (name == "Invalid_server_validator") return errc::invalid_server_validator;
    // The reference stops at a number of iterations that it cannot hold.
    if (name == "Invalid_public_packet" || name.starts_with("exception")) return errc::invalid_public_packet;
    throw std::runtime_error("unknown answer " + name);
}

public_parameters parameters_of(const json& c)
{
    return parse_public(unhex_array<public_bytes>(c.at("public"))).value();
}

void expect_keys(const session_keys& keys, const json& c)
{
    EXPECT_EQ(to_hex(keys.k0.view()), text_of(c, "k0"));
    EXPECT_EQ(to_hex(keys.k1.view()), text_of(c, "k1"));
}

void check_handshake(const json& c)
{
    const byte_vector password = unhex(c.at("password"));
    const std::string client_identity = unhex_text(c.at("client_identity"));
    const std::string server_identity = unhex_text(c.at("server_identity"));
    const std::uint64_t count = c.at("count");

    public_parameters parameters;
    parameters.iterations = count;
    parameters.cipher0 = cipher_named(c.at("cipher0"));
    parameters.cipher1 = cipher_named(c.at("cipher1"));
    parameters.salt = unhex_array<salt_bytes>(c.at("salt"));

    const auto points = derive_password_points(password, parameters);
    ASSERT_TRUE(points) << points.error().message();
    EXPECT_EQ(to_hex(points->m), text_of(c, "M"));
    EXPECT_EQ(to_hex(points->n), text_of(c, "N"));
    EXPECT_EQ(to_hex(points->l), text_of(c, "L"));
    EXPECT_EQ(to_hex(points->h_k.view()), text_of(c, "h_K"));
    EXPECT_EQ(to_hex(points->h_l.view()), text_of(c, "h_L"));
    if (c.contains("pbkdf2_128")) {
        EXPECT_EQ(to_hex(points->h_k.view()) + to_hex(points->h_l.view()),
                  c.at("pbkdf2_128").get<std::string>().substr(128));
    }

    const auto server = spoke_server::create(password, parameters);
    ASSERT_TRUE(server) << server.error().message();
    EXPECT_EQ(to_hex(server->public_packet()), text_of(c, "public"));

    const auto client = spoke_client::create(password, server->public_packet(), unhex_secret<32>(c.at("x")),
                                             std::max(count, default_max_iterations));
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_EQ(to_hex(client->x()), text_of(c, "X"));

    auto session =
        server->compute(client_identity, server_identity, client->x(), unhex_secret<32>(c.at("y")));
    ASSERT_TRUE(session) << session.error().message();
    EXPECT_EQ(to_hex(session->y()), text_of(c, "Y"));
    EXPECT_EQ(to_hex(session->server_validator()), text_of(c, "sub2"));

    const auto agreed =
        client->finish(client_identity, server_identity, session->y(), session->server_validator());
    ASSERT_TRUE(agreed) << agreed.error().message();
    EXPECT_EQ(to_hex(agreed->client_validator), text_of(c, "sub3"));
    expect_keys(agreed->keys, c);
    EXPECT_EQ(agreed->keys.cipher0, parameters.cipher0);
    EXPECT_EQ(agreed->keys.cipher1, parameters.cipher1);

    const auto keys = session->confirm(agreed->client_validator);
    ASSERT_TRUE(keys) << keys.error().message();
    expect_keys(*keys, c);
    EXPECT_EQ(keys->cipher0, parameters.cipher0);
    EXPECT_EQ(keys->cipher1, parameters.cipher1);
}

TEST(spoke_vectors, handshakes_give_every_value)
{
    const json cases = spoke_cases("handshake");
    for (std::size_t i = 0; i < cases.size(); ++i) {
        SCOPED_TRACE("handshake " + std::to_string(i));
        ASSERT_NO_THROW(check_handshake(cases[i]));
    }
}

// The reference's answer, but failure 00 wherever section 5.3 demands it. The reference goes on with a point
// that has a component of order two, with the neutral element, and with what its failed decoding left in
// memory.
error_code expected_answer(const json& answer, const point& received, const point& mask)
{
    static const slow_curve curve;
    if (!curve.acceptable(received, mask)) return errc::point_not_on_subgroup;
    return answer_named(answer);
}

void check_server_compute(const json& c)
{
    const byte_vector password = unhex(c.at("password"));
    const public_parameters parameters = parameters_of(c);
    const point x = unhex_array<point_bytes>(c.at("X"));
    const auto points = derive_password_points(password, parameters);
    const auto server = spoke_server::create(password, parameters);
    ASSERT_TRUE(points);
    ASSERT_TRUE(server);
    auto session = server->compute(unhex_text(c.at("client_identity")), unhex_text(c.at("server_identity")),
                                   x, unhex_secret<32>(c.at("y")));
    ASSERT_EQ(error_of(session), expected_answer(c.at("server_compute"), x, points->m));
    if (!session) return;
    EXPECT_EQ(to_hex(session->y()), text_of(c, "Y"));
    EXPECT_EQ(to_hex(session->server_validator()), text_of(c, "sub2"));
    const auto keys = session->confirm(unhex_array<validator_bytes>(c.at("expected_server_validator")));
    ASSERT_TRUE(keys) << keys.error().message();
    expect_keys(*keys, c);
}

// A shifted boundary between the two identities stays accepted: they are hashed without their lengths, so
// neither side can tell. Two facts protect from it: a relay's identities all end in a port, and each peer was
// told its own.
void check_client_compute(const json& c)
{
    const byte_vector password =
        unhex(c.contains("client_password") ? c["client_password"] : c.at("password"));
    // "identities swapped" has no separate fields.
    const bool swapped = c.at("name").get<std::string>().find("swapped") != std::string::npos &&
                         !c.contains("client_identity_used_by_client");
    const json& client_text = c.contains("client_identity_used_by_client")
                                  ? c["client_identity_used_by_client"]
                              : swapped ? c.at("server_identity")
                                        : c.at("client_identity");
    const json& server_text = c.contains("server_identity_used_by_client")
                                  ? c["server_identity_used_by_client"]
                              : swapped ? c.at("client_identity")
                                        : c.at("server_identity");
    const point y = unhex_array<point_bytes>(c.at("Y"));
    const auto points = derive_password_points(password, parameters_of(c));
    ASSERT_TRUE(points);
    const auto client = spoke_client::create(password, unhex_array<public_bytes>(c.at("public")),
                                             unhex_secret<32>(c.at("x")));
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_EQ(to_hex(client->x()), text_of(c, "X"));
    const auto agreed = client->finish(unhex_text(client_text), unhex_text(server_text), y,
                                       unhex_array<validator_bytes>(c.at("sub2")));
    EXPECT_EQ(error_of(agreed), expected_answer(c.at("client_compute"), y, points->n));
}

// A case names neither X nor y. They are those of an unmodified case in the same file that the reference
// accepts, with the same server and identities, if there is one.
std::optional<json> control_of(const json& c)
{
    for (const json& other : spoke_cases("negative")) {
        if (!other.contains("server_compute") || other["server_compute"] != "accepted") continue;
        if (other.at("name").get<std::string>().find("control") == std::string::npos) continue;
        const auto same = [&](const char* field) { return other.at(field) == c.at(field); };
        if (same("public") && same("password") && same("client_identity") && same("server_identity"))
            return other;
    }
    return {};
}

void check_server_finalize(const json& c)
{
    const byte_vector password = unhex(c.at("password"));
    const std::string client_identity = unhex_text(c.at("client_identity"));
    const std::string server_identity = unhex_text(c.at("server_identity"));
    const auto server = spoke_server::create(password, parameters_of(c));
    ASSERT_TRUE(server);
    const auto control = control_of(c);
    seeded_random random(1);
    const auto client = spoke_client::create(password, server->public_packet(), random_scalar(random));
    ASSERT_TRUE(client);
    const point x = control ? unhex_array<point_bytes>(control->at("X")) : client->x();
    const secret_scalar y = control ? unhex_secret<32>(control->at("y")) : random_scalar(random);

    // A validator of another length never gets here, because the packet has a fixed shape. An empty one means
    // zeros.
    const byte_vector sent = unhex(c.at("sub3"));
    if (sent.empty() || sent.size() == validator_bytes) {
        validator as_sent{};
        std::copy(sent.begin(), sent.end(), as_sent.begin());
        auto session = server->compute(client_identity, server_identity, x, y);
        ASSERT_TRUE(session);
        EXPECT_EQ(error_of(session->confirm(as_sent)), answer_named(c.at("server_finalize")));
    } else {
        EXPECT_EQ(answer_named(c.at("server_finalize")), errc::invalid_server_validator);
    }

    auto reflected = server->compute(client_identity, server_identity, x, y);
    ASSERT_TRUE(reflected);
    const validator own = reflected->server_validator();
    EXPECT_EQ(error_of(reflected->confirm(own)), errc::invalid_server_validator);
}

void check_public(const json& c)
{
    const byte_vector bytes = unhex(c.at("public"));
    if (bytes.size() != public_bytes) {
        // Such a packet cannot be passed in: its type has 34 bytes.
        EXPECT_EQ(answer_named(c.at("hello")), errc::invalid_public_packet);
        return;
    }
    const auto packet = unhex_array<public_bytes>(c.at("public"));
    const auto iterations = load_be<std::uint64_t>(packet.data() + 4);

    error_code of_reading = answer_named(c.at("ciphers_of_public"));
    if (iterations == 0) of_reading = errc::invalid_public_packet;
    EXPECT_EQ(error_of(parse_public(packet)), of_reading);

    error_code of_hello = answer_named(c.at("hello"));
    if (iterations == 0 || iterations > default_max_iterations) of_hello = errc::invalid_public_packet;
    seeded_random random(2);
    EXPECT_EQ(error_of(spoke_client::create(as_bytes("toto"), packet, random_scalar(random))), of_hello);
}

void check_negative(const json& c)
{
    if (c.contains("server_compute"))
        check_server_compute(c);
    else if (c.contains("client_compute"))
        check_client_compute(c);
    else if (c.contains("server_finalize"))
        check_server_finalize(c);
    else if (c.contains("hello"))
        check_public(c);
    else
        FAIL() << "a case of no known shape: " << c.dump();
}

TEST(spoke_vectors, negative_cases_are_refused)
{
    const json cases = spoke_cases("negative");
    for (const json& c : cases) {
        SCOPED_TRACE(c.at("name").get<std::string>());
        ASSERT_NO_THROW(check_negative(c));
    }
}

TEST(spoke_vectors, only_known_kinds)
{
    for (const json& c : read_json(vectors_root() / "vectors" / "spoke.json"))
        EXPECT_TRUE(c.at("kind") == "handshake" || c.at("kind") == "negative") << c.at("kind");
}

// One conversation between reference peers.
class transcript {
public:
    explicit transcript(const std::filesystem::path& path) : data_(read_json(path))
    {
        for (const json& peer : data_.at("peers")) read_peer(peer);
        for (const json& e : data_.at("events"))
            if (e.at("dir") == "peer->relay") sent_[e.at("conn").dump()] += e.at("hex").get<std::string>();
    }

    // Repeats every key agreement. Returns their number.
    std::size_t check()
    {
        std::size_t done = 0;
        for (const json& step : steps_) {
            if (step.at("step") != "server_compute") continue;
            SCOPED_TRACE("X " + step.at("X").get<std::string>());
            check_agreement(step);
            ++done;
        }
        // All keys that the reference ended with were compared.
        std::size_t keys = 0;
        for (const json& of_peer : keys_) keys += of_peer.size();
        EXPECT_EQ(keys_compared_, keys);
        return done;
    }

private:
    void read_peer(const json& peer)
    {
        const std::size_t number = keys_.size();
        for (const json& step : peer.at("spoke_trace")) {
            steps_.push_back(step);
            steps_.back()["peer"] = number;
            if (step.contains("password")) passwords_.insert(unhex(step.at("password")));
        }
        keys_.push_back(peer.at("keys"));
        if (!peer.contains("arguments")) return;
        for (const json& argument : peer.at("arguments")) {
            const byte_vector bytes = [&] {
                const auto text = argument.get<std::string>();
                const bytes_view view = as_bytes(text);
                return byte_vector(view.begin(), view.end());
            }();
            passwords_.insert(bytes);
        }
    }

    // The server whose secrets a step shows. Its password is one of the words in the conversation.
    spoke_server server_of(const json& step) const
    {
        const byte_vector secret = unhex(step.at("secret"));
        public_packet_bytes packet{};
        std::copy_n(secret.begin(), packet.size(), packet.begin());
        const public_parameters parameters = parse_public(packet).value();
        for (const byte_vector& password : passwords_) {
            const auto points = derive_password_points(password, parameters);
            if (!points || !std::equal(points->m.begin(), points->m.end(), secret.begin() + public_bytes))
                continue;
            byte_vector derived(packet.begin(), packet.end());
            for (const bytes_view part : {bytes_view(points->m), bytes_view(points->n),
                                          bytes_view(points->h_k.view()), bytes_view(points->l)})
                derived.insert(derived.end(), part.begin(), part.end());
            EXPECT_EQ(to_hex(derived), to_hex(secret));
            return spoke_server::create(password, parameters).value();
        }
        throw std::runtime_error("no password of this server");
    }

    bool was_sent(const std::string& hex) const
    {
        return std::any_of(sent_.begin(), sent_.end(),
                           [&](const auto& s) { return s.second.find(hex) != std::string::npos; });
    }

    // Compares the keys that a step's peer ended with, if they are those of this agreement.
    void expect_final_keys(const json& step, const json& room_identity, const session_keys& keys)
    {
        for (const json& k : keys_.at(step.at("peer"))) {
            if (k.at("room_identity") != room_identity) continue;
            ++keys_compared_;
            expect_keys(keys, k);
            EXPECT_EQ(keys.cipher0, cipher_named(k.at("cipher0")));
            EXPECT_EQ(keys.cipher1, cipher_named(k.at("cipher1")));
        }
    }

    void check_agreement(const json& step)
    {
        const std::string client_identity = step.at("client_identity");
        const std::string server_identity = step.at("server_identity");
        const auto hello = std::find_if(steps_.begin(), steps_.end(), [&](const json& s) {
            return s.at("step") == "hello" && s.at("X") == step.at("X");
        });
        ASSERT_NE(hello, steps_.end());
        const spoke_server server = server_of(step);
        const auto client =
            spoke_client::create(unhex(hello->at("password")), unhex_array<public_bytes>(hello->at("public")),
                                 unhex_secret<32>(hello->at("x")));
        ASSERT_TRUE(client) << client.error().message();
        EXPECT_EQ(to_hex(client->x()), text_of(step, "X"));
        auto session =
            server.compute(client_identity, server_identity, client->x(), unhex_secret<32>(step.at("y")));
        ASSERT_TRUE(session) << session.error().message();
        EXPECT_EQ(to_hex(session->y()), text_of(step, "Y"));
        EXPECT_TRUE(was_sent(to_hex(session->y()) + to_hex(session->server_validator())));

        const auto agreed =
            client->finish(client_identity, server_identity, session->y(), session->server_validator());
        if (!agreed) {
            EXPECT_EQ(agreed.error(), errc::invalid_client_validator);
            // The client reported it, too: spoke_failure 01.
            EXPECT_TRUE(was_sent(std::string("306401")));
            return;
        }
        EXPECT_TRUE(was_sent(to_hex(agreed->client_validator)));
        const auto keys = session->confirm(agreed->client_validator);
        ASSERT_TRUE(keys) << keys.error().message();
        EXPECT_EQ(to_hex(keys->k0.view()), to_hex(agreed->keys.k0.view()));
        EXPECT_EQ(to_hex(keys->k1.view()), to_hex(agreed->keys.k1.view()));
        expect_final_keys(step, step.at("client_identity"), *keys);
        expect_final_keys(*hello, step.at("server_identity"), agreed->keys);
    }

    json data_;
    std::vector<json> steps_; // each with the number of its peer
    std::vector<json> keys_;  // of each peer
    std::size_t keys_compared_ = 0;
    std::set<byte_vector> passwords_;
    std::map<std::string, std::string> sent_;
};

TEST(spoke_vectors, transcripts_give_the_same_points_validators_and_keys)
{
    std::size_t agreements = 0;
    for (const auto& path : json_files("transcripts")) {
        SCOPED_TRACE(path.filename().string());
        ASSERT_NO_THROW(agreements += transcript(path).check());
    }
    EXPECT_GT(agreements, 0U);
}

} // namespace
} // namespace parley::test
