// How two peers agree on the version of their session (SESSION2.md section 1).
#include <parley/proto/server_machine.hpp>

#include <unit/proto/client_bench.hpp>

#include <algorithm>

namespace parley::test {
namespace {

using enum session_versions;

constexpr std::uint16_t client_number = 1, server_number = 2;

// A server and a client of one password, and the relay between them, which may change what it carries.
struct negotiation {
    negotiation(session_versions server_speaks, session_versions client_speaks,
                public_parameters parameters = {})
        : server{spoke_server::create(as_bytes("right"), salted(parameters), server_speaks).value(),
                 server_random},
          client{secret_bytes{"right"}, client_random, {.versions = client_speaks}}
    {
    }
    static public_parameters salted(public_parameters parameters)
    {
        seeded_random{5}.fill(parameters.salt);
        return parameters;
    }

    seeded_random server_random{6}, client_random{7};
    server_machine server;
    client_machine client;
    std::function<void(public_packet_bytes&)> change_public = [](public_packet_bytes&) {};
    bool user_accepts = true;

    lines events;
    std::vector<message> to_client; // all that the relay has passed on
    std::optional<agreement> client_agreed, server_agreed;

    void run()
    {
        public_packet_bytes announced = packet_of<packet::hello_as_a_server>(server).public_packet;
        change_public(announced);
        packet_of<packet::hello_as_a_client>(client);
        feed(server, relay_uid, packet::server_identity{named("s:1")});
        feed(client, relay_uid, packet::client_identity{named("c:1")});
        feed(client, relay_uid, packet::new_server{uid{server_number}, announced, named("s:1")});
        for (bool moved = true; moved;) {
            moved = false;
            derive_now(client);
            hear_events();
            for (const message& m : take(client)) {
                moved = true;
                if (m.peer != relay_uid) feed(server, uid{client_number}, m.body);
                if (std::holds_alternative<packet::accepted>(m.body)) feed(client, relay_uid, packet::done{});
            }
            for (const message& m : take(server)) {
                moved = true;
                to_client.push_back(m);
                if (m.peer != relay_uid) feed(client, uid{server_number}, m.body);
            }
        }
        hear_events();
    }

    // Whether neither side has agreed.
    bool is_none() const { return !client_agreed && !server_agreed; }

private:
    template <class M>
    static std::vector<message> take(M& machine)
    {
        const bytes_view due = machine.output();
        std::vector<message> out = packets_in(due);
        machine.consume_output(due.size());
        return out;
    }
    template <class Body, class M>
    static Body packet_of(M& machine)
    {
        const auto sent = take(machine);
        EXPECT_EQ(sent.size(), 1U);
        return std::get<Body>(sent.at(0).body);
    }
    template <class M>
    static void feed(M& machine, uid from, const packet_variant& body)
    {
        const byte_vector bytes = bytes_of(from, body);
        bytes_view input{bytes};
        machine.receive(input);
    }
    void hear_events()
    {
        while (auto event = client.next_event()) {
            if (auto* agreed = std::get_if<client_event::agreed>(&*event)) {
                client_agreed = std::move(agreed->result);
            } else if (const auto* offered = std::get_if<client_event::offered>(&*event)) {
                events.push_back("offered");
                if (user_accepts) client.accept(offered->server);
            } else if (const auto* rejected = std::get_if<client_event::rejected>(&*event)) {
                events.push_back("client: " + text_of(rejected->why));
            }
        }
        while (auto event = server.next_event()) {
            if (auto* agreed = std::get_if<server_event::agreed>(&*event))
                server_agreed = std::move(agreed->result);
            else if (const auto* rejected = std::get_if<server_event::rejected>(&*event))
                events.push_back("server: " + text_of(rejected->why));
        }
    }
};

std::string text_of_keys(const session_keys& keys)
{
    std::string out = to_hex(keys.k0.view()) + to_hex(keys.k1.view());
    if (keys.session2)
        out += to_hex(keys.session2->server.view()) + to_hex(keys.session2->client.view()) +
               to_hex(keys.session2->exporter.view()) + to_hex(keys.session2->reconnection.view());
    return out;
}

TEST(session2_negotiation, every_mix_of_peers)
{
    struct mix {
        session_versions server, client;
        int version; // 0: they do not agree
        lines events;
    };
    const mix mixes[] = {
        {only_1, only_1, 1, {"offered"}},
        {only_1, both, 1, {"offered"}},
        {only_1, only_2, 0, {}},
        {both, only_1, 1, {"offered"}},
        {both, both, 2, {}},
        {both, only_2, 2, {}},
        {only_2, only_1, 0, {"server: " + text_of(errc::version_not_spoken)}},
        {only_2, both, 2, {}},
        {only_2, only_2, 2, {}},
    };
    for (const mix& each : mixes) {
        SCOPED_TRACE(std::to_string(static_cast<int>(each.server)) + " with " +
                     std::to_string(static_cast<int>(each.client)));
        negotiation n{each.server, each.client};
        n.run();
        EXPECT_EQ(n.events, each.events);
        EXPECT_EQ(n.client_agreed.has_value(), each.version != 0);
        EXPECT_EQ(n.server_agreed.has_value(), each.version != 0);
        EXPECT_EQ(n.server.guesses() + n.client.guesses(), 0U) << "nobody has guessed";
        if (each.version == 0) continue;
        EXPECT_EQ(n.client_agreed->keys.version(), each.version);
        EXPECT_EQ(n.server_agreed->keys.version(), each.version);
        EXPECT_EQ(text_of_keys(n.client_agreed->keys), text_of_keys(n.server_agreed->keys));
    }
}

TEST(session2_negotiation, in_version_2_nobody_is_asked)
{
    negotiation n{both, both};
    n.user_accepts = false;
    n.run();
    EXPECT_FALSE(n.is_none());
    EXPECT_EQ(n.events, lines{});
    negotiation old{only_1, both};
    old.user_accepts = false;
    old.run();
    EXPECT_TRUE(old.is_none());
}

TEST(session2_negotiation, the_cipher_of_both_directions_is_the_first)
{
    for (const cipher c : {cipher::aes_256_gcm, cipher::chacha20_poly1305}) {
        public_parameters parameters;
        parameters.cipher0 = c;
        parameters.cipher1 = cipher::aes_256_ccm;
        negotiation n{both, both, parameters};
        n.run();
        ASSERT_FALSE(n.is_none());
        EXPECT_EQ(n.client_agreed->keys.session2->with, c);
        EXPECT_EQ(n.server_agreed->keys.session2->with, c);
    }
}

// A relay that wants version 1 of two peers that speak version 2.
TEST(session2_negotiation, no_changed_public_gives_an_agreement)
{
    for (std::size_t at = 0; at < public_bytes; ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            SCOPED_TRACE("byte " + std::to_string(at) + " bit " + std::to_string(bit));
            negotiation n{both, both};
            n.change_public = [at, bit](public_packet_bytes& bytes) {
                bytes[at] = static_cast<byte>(bytes[at] ^ (1U << bit));
            };
            n.run();
            EXPECT_TRUE(n.is_none());
            for (const message& m : n.to_client)
                EXPECT_FALSE(std::holds_alternative<packet::agreement>(m.body));
        }
}

// Every value of the fields that are in no key of version 1.
TEST(session2_negotiation, no_other_version_or_cipher_gives_an_agreement)
{
    for (const std::size_t at : {std::size_t{1}, std::size_t{13}, std::size_t{15}})
        for (unsigned value = 0; value < 256; ++value) {
            negotiation n{both, both};
            bool same = false;
            n.change_public = [&](public_packet_bytes& bytes) {
                same = bytes[at] == value;
                bytes[at] = static_cast<byte>(value);
            };
            n.run();
            EXPECT_EQ(n.is_none(), !same) << at << ' ' << value;
        }
}

// A server of version 1 whose salt the relay ends with the mark.
TEST(session2_negotiation, an_added_mark_gives_no_agreement)
{
    for (const byte version : {byte{2}, byte{3}, byte{255}}) {
        negotiation n{only_1, both};
        n.change_public = [version](public_packet_bytes& bytes) {
            std::copy(session2_mark.begin(), session2_mark.end(),
                      bytes.end() - std::ptrdiff_t{session2_mark.size()});
            bytes.back() = version;
        };
        n.run();
        EXPECT_TRUE(n.is_none());
    }
}

// --- one peer, and the test as the others

std::size_t count_of_agreements(const client_bench& b)
{
    return static_cast<std::size_t>(std::ranges::count_if(
        b.sent, [](const message& m) { return std::holds_alternative<packet::accepted>(m.body); }));
}

client_bench bench_of(session_versions client_speaks, session_versions servers_speak)
{
    client_bench b{client_options{.versions = client_speaks}};
    b.servers.emplace("right", spoke_server::create(as_bytes("right"), {}, servers_speak).value());
    b.identify();
    b.take();
    return b;
}

TEST(session2_negotiation, one_server_is_accepted_and_the_next_waits_for_it)
{
    client_bench b = bench_of(both, both);
    for (const std::uint16_t number : numbers{2, 3, 4}) {
        b.announce(number);
        b.answer(number);
    }
    b.take();
    b.confirm(3);
    EXPECT_EQ(b.take(), lines{"send 0003 accepted"});
    b.confirm(4);
    b.confirm(2);
    EXPECT_EQ(b.take(), lines{}) << "one at a time, and nobody is asked";
    b.feed(uid{3}, packet::spoke_failure{});
    EXPECT_EQ(b.take(), lines{}) << "the relay answers";
    b.feed(relay_uid, packet::closed{uid{3}});
    EXPECT_EQ(b.take(), lines{"send 0002 accepted"});
    b.feed(relay_uid, packet::closed{uid{4}});
    EXPECT_EQ(b.take(), lines{});
    b.feed(relay_uid, packet::done{});
    ASSERT_TRUE(b.machine.finished());
    EXPECT_FALSE(b.machine.error());
    EXPECT_EQ(count_of_agreements(b), 2U);
}

TEST(session2_negotiation, a_server_of_version_1_waits_behind_one_of_version_2)
{
    client_bench b = bench_of(both, both);
    b.announce(2);
    b.answer(2);
    b.servers.at("right") = spoke_server::create(as_bytes("right"), {}).value();
    b.announce(3);
    b.answer(3);
    b.confirm(3);
    EXPECT_EQ(b.take().back(), "offered 0003 s:3");
    b.confirm(2);
    EXPECT_EQ(b.take(), lines{"send 0002 accepted"});
    EXPECT_FALSE(b.machine.accept(uid{3}));
    b.feed(relay_uid, packet::closed{uid{2}});
    EXPECT_EQ(b.take(), lines{}) << "the user was asked about the other one, and says when";
    EXPECT_TRUE(b.machine.accept(uid{3}));
    EXPECT_EQ(b.take(), lines{"send 0003 accepted"});
}

TEST(session2_negotiation, a_public_with_the_mark_and_another_cipher_is_invalid)
{
    public_parameters parameters;
    put_session2_mark(parameters);
    parameters.cipher0 = cipher::aes_256_ccm;
    const packet::new_server odd{uid{2}, format_public(parameters), client_bench::name(2)};
    for (const session_versions versions : {both, only_2}) {
        client_bench b = bench_of(versions, both);
        b.feed(relay_uid, odd);
        EXPECT_EQ(b.take(), (lines{"send 0002 spoke_failure 03",
                                   "rejected s:2: " + text_of(errc::invalid_public_packet)}));
    }
    client_bench old = bench_of(only_1, only_1);
    old.feed(relay_uid, odd);
    old.derive();
    EXPECT_EQ(old.take(), lines{"send 0002 x_and_client_identity"}) << "version 1 knows no mark";
}

TEST(session2_negotiation, a_client_of_version_2_only_ignores_servers_without_the_mark)
{
    client_bench b = bench_of(only_2, only_1);
    b.announce(2);
    b.feed(relay_uid, packet::new_server{uid{3}, {}, client_bench::name(3)}); // not even valid
    EXPECT_EQ(b.take(), lines{});
    b.feed(uid{2}, packet::y_and_server_validator{});
    EXPECT_EQ(b.take(), lines{});
}

} // namespace
} // namespace parley::test
