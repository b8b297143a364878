// Hundreds of peers on one relay in virtual time: every two of one password meet, no others do, and when all
// is over nothing is left.
#include <sim/simulated_peer.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

constexpr auto peer_timeout = 1h;

struct scenario {
    std::string name;
    std::uint64_t seed = 0;
    std::size_t pairs = 0;             // of a client and a server with a password of their own
    std::size_t strangers = 0;         // clients and servers whose password nobody shares
    std::size_t vanishing_percent = 0; // of all peers; each comes back later under another identity
    std::size_t refusing_percent = 0;  // of all clients; another client comes for the server
    std::size_t hostile = 0;
    duration arrivals = 20s; // in which all come
};

void PrintTo(const scenario& s, std::ostream* out)
{
    *out << s.name;
}

// A peer that knows the protocol and nobody's password: it sends what a client or server may have forwarded,
// to anyone, and ends with bytes that are no packet.
class hostile_peer {
public:
    hostile_peer(simulated_network& network, simulated_relay& relay, const identity& who, duration starts)
        : network_{network}
    {
        network.after(starts, [this, &relay, who] {
            port_ = relay.open(relay_channel::handshake, who,
                               {[](bytes_view) {}, [this] { network_.close(port_); }});
            const bool server = network_.random().below(2) == 0;
            say(relay_uid, server ? packet_variant{packet::hello_as_a_server{}}
                                  : packet_variant{packet::hello_as_a_client{}});
            babble(100);
        });
    }

private:
    void say(uid to, const packet_variant& body) { network_.send(port_, bytes_of(to, body)); }
    void babble(int left)
    {
        if (left == 0) return network_.send(port_, as_bytes("0000ff no packet"));
        auto& random = network_.random();
        const uid to{static_cast<std::uint16_t>(random.below(200))};
        point p{};
        random.fill(p);
        switch (random.below(9)) {
        case 0:
            say(to, packet::client_validator{});
            break;
        case 1:
            say(to, packet::x_and_client_identity{p, named("liar:1")});
            break;
        case 2:
            say(to, packet::refused{});
            break;
        case 3:
            say(to, packet::spoke_failure{static_cast<spoke_failure_kind>(random.below(5))});
            break;
        case 4:
            say(to, packet::y_and_server_validator{p, {}});
            break;
        case 5:
            say(to, packet::agreement{});
            break;
        case 6:
            say(to, packet::closed{to});
            break;
        case 7:
            say(to, packet::done{});
            break;
        default:
            say(to, packet::relay_failure{relay_failure_kind::invalid_client, to});
            break;
        }
        network_.after(std::chrono::milliseconds{random.below(300)}, [this, left] { babble(left - 1); });
    }

    simulated_network& network_;
    simulated_network::port port_;
};

class world {
public:
    explicit world(const scenario& s)
        : scenario_{s}, network_{s.seed}, random_{s.seed + 1}, relay_{network_, options()}
    {
        for (std::size_t i = 0; i < s.pairs; ++i) {
            const std::string password = "shared " + std::to_string(i);
            add_client(password);
            add_server(password);
        }
        for (std::size_t i = 0; i < s.strangers; ++i) {
            add_client("client's own " + std::to_string(i));
            add_server("server's own " + std::to_string(i));
        }
        for (std::size_t i = 0; i < s.hostile; ++i)
            hostile_.push_back(std::make_unique<hostile_peer>(network_, relay_, new_identity(), some_time()));
    }

    void run()
    {
        const time_point start = network_.now();
        network_.run_until(start + 3 * scenario_.arrivals + 60s);
        check_who_is_known();
        network_.run_until(start + 3 * peer_timeout);
        check_meetings();
        check_nothing_is_left();
    }

private:
    relay_server_options options()
    {
        relay_server_options out;
        out.relay.peer_timeout = peer_timeout;
        out.time = &network_.clock();
        return out;
    }
    duration some_time()
    {
        return std::chrono::microseconds{
            random_.below(static_cast<std::uint64_t>(scenario_.arrivals / std::chrono::microseconds{1}))};
    }
    identity new_identity()
    {
        const std::uint32_t n = next_peer_++;
        return named("10.0." + std::to_string(n / 250) + '.' + std::to_string(n % 250) + ":5000");
    }
    bool chance(std::size_t percent) { return random_.below(100) < percent; }

    peer_plan plan(const std::string& password)
    {
        return {.who = new_identity(), .password = password, .starts = some_time()};
    }

    void add_client(const std::string& password)
    {
        peer_plan p = plan(password);
        p.refuses = chance(scenario_.refusing_percent);
        if (p.refuses) add_again(clients_, p);
        add(clients_, std::move(p));
    }
    void add_server(const std::string& password) { add(servers_, plan(password)); }

    template <class Peers>
    void add(Peers& peers, peer_plan p)
    {
        if (chance(scenario_.vanishing_percent)) {
            p.vanishes = chance(50) ? way_to_vanish::cleanly : way_to_vanish::silently;
            p.vanishes_after = random_.below(chance(50) ? 8 : 40);
            add_again(peers, p);
        }
        emplace(peers, std::move(p));
    }
    // The same person tries again from another port.
    template <class Peers>
    void add_again(Peers& peers, peer_plan p)
    {
        p.who = new_identity();
        p.starts += scenario_.arrivals;
        p.vanishes = way_to_vanish::never;
        p.refuses = false;
        emplace(peers, std::move(p));
    }
    template <class Peer>
    void emplace(std::vector<std::unique_ptr<Peer>>& peers, peer_plan p)
    {
        peers.push_back(std::make_unique<Peer>(network_, relay_, random_, std::move(p)));
    }

    // Those who wait know of nobody who has left, but for those with whom they had ended.
    void check_who_is_known()
    {
        std::size_t waiting = 0;
        for (const auto& c : clients_) {
            if (c->done) continue;
            ++waiting;
            for (const auto& [number, who] : c->known)
                EXPECT_TRUE(relay_.present(who)) << who << " has left untold";
        }
        EXPECT_GE(waiting, scenario_.strangers);
    }

    void check_meetings()
    {
        std::map<std::string, const simulated_server*> server_of;
        std::map<std::string, const simulated_client*> client_of;
        for (const auto& s : servers_) server_of[std::string{s->plan.who.text()}] = s.get();
        for (const auto& c : clients_) client_of[std::string{c->plan.who.text()}] = c.get();

        std::set<std::string> agreed_servers;
        std::map<std::string, int> met, waited_in_vain;
        for (const auto& c : clients_) {
            EXPECT_TRUE(c->done);
            if (c->error == errc::timed_out_by_relay && !c->plan.refuses)
                waited_in_vain[c->plan.password] |= 1;
            if (!c->agreed) continue;
            const simulated_server* const s = server_of.at(std::string{c->agreed->peer.text()});
            EXPECT_EQ(s->plan.password, c->plan.password) << "strangers met";
            EXPECT_TRUE(agreed_servers.insert(std::string{s->plan.who.text()}).second) << "a server met two";
            if (s->agreed) {
                EXPECT_EQ(s->agreed->peer, c->plan.who);
                EXPECT_EQ(to_hex(s->agreed->keys.k0.view()), to_hex(c->agreed->keys.k0.view()));
                EXPECT_EQ(to_hex(s->agreed->keys.k1.view()), to_hex(c->agreed->keys.k1.view()));
            } else {
                EXPECT_TRUE(s->vanished) << s->error.message();
            }
            if (s->vanished || c->vanished) continue;
            EXPECT_TRUE(c->met && s->met) << c->error.message() << ", " << s->error.message();
            EXPECT_FALSE(c->error) << c->error.message();
            EXPECT_FALSE(s->error) << s->error.message();
            EXPECT_EQ(c->document, s->document);
            ++met[c->plan.password];
        }
        for (const auto& s : servers_) {
            EXPECT_TRUE(s->done);
            if (s->error == errc::timed_out_by_relay) waited_in_vain[s->plan.password] |= 2;
            if (s->agreed) {
                EXPECT_TRUE(agreed_servers.contains(std::string{s->plan.who.text()}) || !s->met);
            }
        }
        for (const auto& [password, who] : waited_in_vain)
            EXPECT_NE(who, 3) << password << " waited for each other";
        // A client and a server of one password meet, unless one of them agreed with somebody who vanished.
        std::map<std::string, int> could_meet;
        const auto note = [&](const auto& peer, const auto& other_kind, int bit) {
            const bool lasts = !peer.vanished && !peer.plan.refuses;
            const bool let_down =
                peer.agreed && other_kind.at(std::string{peer.agreed->peer.text()})->vanished;
            if (lasts && !let_down) could_meet[peer.plan.password] |= bit;
        };
        for (const auto& c : clients_) note(*c, server_of, 1);
        for (const auto& s : servers_) note(*s, client_of, 2);
        for (const auto& [password, who] : could_meet)
            EXPECT_TRUE(who != 3 || met.contains(password)) << password << " did not meet";
        if (scenario_.vanishing_percent == 0) {
            EXPECT_EQ(met.size(), scenario_.pairs);
        }
    }

    void check_nothing_is_left()
    {
        const relay_server::counts left = relay_.count();
        EXPECT_EQ(left.connections, 0U);
        EXPECT_EQ(left.handshakes, 0U);
        EXPECT_EQ(left.room_peers, 0U);
        EXPECT_EQ(left.rooms, 0U);
        EXPECT_EQ(left.peers.connections, 0U);
        EXPECT_EQ(left.peers.servers, 0U);
        EXPECT_EQ(left.peers.clients, 0U);
        EXPECT_EQ(left.places.agreements, 0U);
        EXPECT_EQ(left.places.waiting, 0U);
        EXPECT_EQ(network_.open_connections(), 0U);
        EXPECT_EQ(network_.clock().next_deadline(), no_deadline);
        relay_.stop();
    }

    scenario scenario_;
    simulated_network network_;
    seeded_random random_;
    simulated_relay relay_;
    std::uint32_t next_peer_ = 0;
    std::vector<std::unique_ptr<simulated_client>> clients_;
    std::vector<std::unique_ptr<simulated_server>> servers_;
    std::vector<std::unique_ptr<hostile_peer>> hostile_;
};

class handshake_sim : public ::testing::TestWithParam<scenario> {};

TEST_P(handshake_sim, all_that_should_meet_do_and_nothing_is_left)
{
    world{GetParam()}.run();
}

std::vector<scenario> scenarios()
{
    std::vector<scenario> all{
        {.name = "two", .seed = 1, .pairs = 1},
        {.name = "all_at_once", .seed = 2, .pairs = 60, .arrivals = 1ms},
        {.name = "hundreds", .seed = 3, .pairs = 150, .strangers = 10, .arrivals = 100s},
        {.name = "refusals", .seed = 4, .pairs = 30, .refusing_percent = 50},
        {.name = "only_strangers", .seed = 5, .strangers = 40},
        {.name = "hostile", .seed = 6, .pairs = 25, .hostile = 10},
    };
    for (std::uint64_t seed = 10; seed < 20; ++seed)
        all.push_back({.name = "vanishing_" + std::to_string(seed),
                       .seed = seed,
                       .pairs = 25,
                       .strangers = 3,
                       .vanishing_percent = 50,
                       .refusing_percent = 10,
                       .hostile = seed % 3});
    return all;
}

INSTANTIATE_TEST_SUITE_P(seeded, handshake_sim, ::testing::ValuesIn(scenarios()),
                         [](const auto& one) { return one.param.name; });

} // namespace
} // namespace parley::test
