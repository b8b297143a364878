// The four machines that read what others send. An input is a script: commands of twelve bytes, of which the
// first chooses the machine (see `script`). Among them are real packets, packets with right answers so that a
// script gets as far as an agreement, packets in two pieces, and raw bytes. Mutations work on whole commands.
// Whatever the script: no crash, bounded memory, and what each machine promises its owner.
#include "command_mutator.hpp"
#include "counting_random.hpp"
#include "require.hpp"

#include <parley/proto/client_machine.hpp>
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>
#include <parley/proto/server_machine.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace parley;
using fuzz::counting_random;
using fuzz::require;

constexpr std::size_t command_bytes = 12;

// The commands of an input. All have one size, so that a change of one does not change how the next is read.
class script {
public:
    explicit script(bytes_view bytes) : commands_{bytes} {}
    // Begins the next command. False when there is none.
    bool advance()
    {
        if (commands_.empty()) return false;
        left_ = commands_.first(std::min(commands_.size(), command_bytes));
        commands_ = commands_.subspan(left_.size());
        return true;
    }
    // These take from this command; zeros once it is used up.
    byte next()
    {
        if (left_.empty()) return 0;
        const byte b = left_.front();
        left_ = left_.subspan(1);
        return b;
    }
    bytes_view take(std::size_t n)
    {
        const bytes_view out = left_.first(std::min(n, left_.size()));
        left_ = left_.subspan(out.size());
        return out;
    }
    // One command fills a whole field: what matters is that it is wrong.
    template <std::size_t N>
    void fill(std::array<byte, N>& out)
    {
        out.fill(next());
    }
    // An honest server's public with one byte changed, which may make it cost much or name another cipher.
    public_packet_bytes some_public();
    identity name() { return identity::from_text("p:" + std::to_string(next() % 16)).value(); }
    // Somebody with one of three seats, or with none.
    room_peer peer()
    {
        const identity who = name();
        const std::size_t seat = next() % 4;
        if (seat == 3) return who;
        return {who, seat_token::from_text(std::string(32, "012"[seat]))};
    }
    uid number() { return {static_cast<std::uint16_t>(next() % 8)}; }

    packet_variant packet()
    {
        switch (next() % 16) {
        case 0:
            return packet::hello_as_a_server{some_public()};
        case 1:
            return packet::hello_as_a_client{};
        case 2:
            return packet::server_identity{name()};
        case 3:
            return packet::client_identity{name()};
        case 4:
            return made<packet::new_server>([&](auto& p) {
                p.server = number();
                p.identity = name();
                p.public_packet = some_public();
            });
        case 5:
            return made<packet::client_validator>([&](auto& p) { fill(p.validator); });
        case 6:
            return made<packet::y_and_server_validator>([&](auto& p) { fill(p.y); });
        case 7:
            return made<packet::x_and_client_identity>([&](auto& p) {
                p.identity = name();
                fill(p.x);
            });
        case 8:
            return packet::agreement{};
        case 9:
            return packet::closed{number()};
        case 10:
            return packet::accepted{};
        case 11:
            return packet::refused{};
        case 12:
            return packet::relay_failure{relay_failure_kind::invalid_client, number()};
        case 13:
            return packet::spoke_failure{static_cast<spoke_failure_kind>(next() % 5)};
        case 14:
            return packet::done{};
        default:
            return packet::timeout{};
        }
    }

private:
    template <class P, class F>
    static P made(F f)
    {
        P p{};
        f(p);
        return p;
    }
    bytes_view commands_, left_;
};

const spoke_server& honest_server()
{
    static const spoke_server made = [] {
        public_parameters parameters;
        parameters.iterations = 1;
        return spoke_server::create(as_bytes("right"), parameters).value();
    }();
    return made;
}

public_packet_bytes script::some_public()
{
    public_packet_bytes out = honest_server().public_packet();
    const byte at = next();
    out[at % out.size()] = next();
    return out;
}

// One machine of a handshake, with the owner's part of the contract.
template <Machine M>
struct owner {
    M machine;
    std::map<std::uint16_t, message> latest; // of the packets sent to each uid
    bool agreed = false;

    void drain()
    {
        const bool finished = machine.finished();
        bytes_view due = machine.output();
        require(due.size() <= 4 * max_packet_bytes, "a machine owes little for one input");
        packet_parser parser;
        const std::size_t size = due.size();
        while (!due.empty()) {
            const auto parsed = parser.parse(due);
            require(parsed && *parsed, "output is whole packets");
            latest.insert_or_assign((*parsed)->peer.value, **parsed);
        }
        machine.consume_output(size);
        require(machine.output().empty(), "all is taken");
        int events = 0;
        while (auto event = machine.next_event()) {
            require(++events <= 8, "few events for one input");
            std::visit(
                [&](auto& e) {
                    if constexpr (requires { e.result; }) {
                        require(!agreed, "agreed once");
                        agreed = true;
                    }
                },
                *event);
        }
        require(!agreed || machine.finished(), "agreed is the end");
        require(!machine.error() || machine.finished(), "an error is the end");
        require(!machine.finished() || agreed || machine.error(), "an end without a reason");
        require(machine.finished() == finished, "draining decides nothing");
    }
    void feed(bytes_view bytes)
    {
        while (!bytes.empty() && !machine.finished()) {
            const std::size_t before = bytes.size();
            machine.receive(bytes);
            drain();
            require(machine.finished() || bytes.size() < before, "it takes what it is given");
        }
    }
    void feed(uid from, const packet_variant& body) { feed(encode(from, body).view()); }
    template <class Body>
    const Body* last_to(uid to) const
    {
        const auto found = latest.find(to.value);
        return found == latest.end() ? nullptr : std::get_if<Body>(&found->second.body);
    }
    void expire(time_point now)
    {
        machine.expire(now);
        drain();
        require(machine.next_deadline() > now, "what is due is done");
    }
    // What every machine of a handshake may be told.
    void common(byte command, script& s)
    {
        switch (command % 8) {
        case 0:
            feed(s.take(s.next()));
            break;
        case 1:
            machine.receive_end();
            break;
        case 2:
            machine.stop(errc::timed_out);
            break;
        case 3: { // a packet in two pieces, or its beginning alone
            const byte how = s.next();
            const uid from = command < 128 ? relay_uid : s.number();
            const auto whole = encode(from, s.packet());
            const std::size_t first = how / 2u % whole.view().size();
            feed(whole.view().first(first));
            if (how % 2 == 0) feed(whole.view().subspan(first));
            break;
        }
        default:
            feed(command < 128 ? relay_uid : s.number(), s.packet());
            break;
        }
        drain();
    }
};

void run_client(script& s)
{
    counting_random random;
    owner<client_machine> o{
        {secret_bytes{"right"}, random, {.max_iterations = 4, .max_servers = 3}}, {}, false};
    std::map<std::uint16_t, spoke_server_session> sessions;
    std::optional<client_derivation> job;
    time_point now{};
    o.drain();
    while (!o.machine.finished() && s.advance()) {
        const byte command = s.next();
        const uid server = s.number();
        if (command >= 240) o.expire(now += std::chrono::seconds{s.next()});
        switch (command % 8) {
        case 0:
            o.feed(relay_uid, packet::new_server{server, honest_server().public_packet(), s.name()});
            break;
        case 1: // a right answer
            if (const auto* x = o.last_to<packet::x_and_client_identity>(server)) {
                auto session = honest_server().compute(x->identity, s.name(), x->x, random_scalar(random));
                require(session.has_value(), "a client's X is a point");
                o.feed(server, packet::y_and_server_validator{session->y(), session->server_validator()});
                sessions.insert_or_assign(server.value, std::move(*session));
            }
            break;
        case 2:
            o.machine.accept(server);
            break;
        case 3:
            o.machine.refuse(server);
            break;
        case 4:
            o.feed(server, packet::agreement{});
            break;
        case 5:
            o.feed(relay_uid, packet::client_identity{s.name()});
            break;
        default:
            o.common(s.next(), s);
            break;
        }
        o.drain();
        // Most derivations end at once; others overlap with what comes next.
        if (job && command % 2 == 0) {
            o.machine.derived(std::move(*job));
            job.reset();
        }
        if (command < 224)
            derive_now(o.machine);
        else if (!job)
            job = o.machine.next_derivation();
        o.drain();
    }
}

void run_server(script& s)
{
    counting_random random;
    spoke_server exchange = [] {
        public_parameters parameters;
        parameters.iterations = 1;
        return spoke_server::create(as_bytes("right"), parameters).value();
    }();
    owner<server_machine> o{{std::move(exchange), random, {.max_clients = 3}}, {}, false};
    const identity self = identity::from_text("s:1").value();
    std::map<std::uint16_t, std::pair<spoke_client, identity>> clients;
    time_point now{};
    o.drain();
    if (s.next() % 8 != 0) o.feed(relay_uid, packet::server_identity{self});
    while (!o.machine.finished() && s.advance()) {
        const byte command = s.next();
        const uid client = s.number();
        if (command >= 240) o.expire(now += std::chrono::seconds{s.next()});
        switch (command % 8) {
        case 0: { // a right greeting
            auto made = spoke_client::create(as_bytes(command < 200 ? "right" : "wrong"),
                                             honest_server().public_packet(), random_scalar(random));
            require(made.has_value(), "a client of an honest public");
            const identity who = s.name();
            o.feed(client, packet::x_and_client_identity{made->x(), who});
            clients.insert_or_assign(client.value, std::pair{std::move(*made), who});
            break;
        }
        case 1: { // a right validator
            const auto found = clients.find(client.value);
            const auto* y = o.last_to<packet::y_and_server_validator>(client);
            if (found == clients.end() || y == nullptr) break;
            const auto made = found->second.first.finish(found->second.second, self, y->y, y->validator);
            if (made) o.feed(client, packet::client_validator{made->client_validator});
            break;
        }
        case 2:
            o.feed(client, packet::accepted{});
            break;
        case 3:
            o.feed(client, packet::refused{});
            break;
        default:
            o.common(s.next(), s);
            break;
        }
        o.drain();
    }
}

void run_relay(script& s)
{
    constexpr std::uint32_t connections = 12;
    relay_machine relay{{.peer_timeout = std::chrono::seconds{60}}};
    std::array<bool, connections> connected{}, closing{};
    time_point now{};
    int inputs = 0;
    const auto drain = [&] {
        int actions = 0;
        std::set<const encoded_packet*> announced;
        while (const auto action = relay.next_action()) {
            require(++actions <= 200 + 12 * inputs, "bounded answers");
            if (const auto* send = std::get_if<relay_action::send>(&*action)) {
                const auto to = static_cast<std::uint32_t>(send->to);
                require(to < connections && connected[to] && !closing[to], "bytes for one that is gone");
                packet_parser parser;
                bytes_view bytes = send->packet->view();
                const auto parsed = parser.parse(bytes);
                require(parsed && *parsed && bytes.empty(), "one whole packet");
                if (std::holds_alternative<packet::new_server>((*parsed)->body))
                    announced.insert(send->packet.get());
            } else if (const auto* close = std::get_if<relay_action::close>(&*action)) {
                const auto which = static_cast<std::uint32_t>(close->which);
                require(connected[which] && !closing[which], "closed twice");
                closing[which] = true;
            }
        }
        const auto count = relay.count();
        std::size_t expected = 0;
        for (const bool c : connected) expected += c ? 1 : 0;
        require(count.connections == expected, "connections are counted");
        require(count.servers + count.clients <= expected, "who waits is connected");
    };
    while (s.advance()) {
        const byte command = s.next();
        const std::uint32_t at = s.next() % connections;
        const connection_id id{at};
        ++inputs;
        switch (command % 8) {
        case 0:
            if (connected[at]) relay.disconnect(id, now);
            connected[at] = closing[at] = false;
            drain();
            connected[at] = true;
            relay.connect(id, s.name(), now);
            break;
        case 1:
            connected[at] = closing[at] = false;
            relay.disconnect(id, now);
            break;
        case 2:
            relay.receive_malformed(id, errc::bad_uid_digit, now);
            break;
        case 3:
            relay.receive(id, {relay_uid, packet::hello_as_a_client{}}, now);
            break;
        case 4:
            relay.receive(id, {relay_uid, packet::hello_as_a_server{}}, now);
            break;
        case 5:
            now += std::chrono::milliseconds{command < 128 ? 10 : 1000} * s.next();
            relay.expire(now);
            require(relay.next_deadline() > now, "what is due is done");
            break;
        default:
            relay.receive(id, {s.number(), s.packet()}, now);
            break;
        }
        drain();
    }
    for (std::uint32_t at = 0; at < connections; ++at) {
        connected[at] = closing[at] = false;
        relay.disconnect(connection_id{at}, now);
        drain();
    }
    require(relay.next_deadline() == no_deadline && relay.count().servers + relay.count().clients == 0,
            "nothing is left");
}

void run_broker(script& s)
{
    constexpr std::uint32_t connections = 12;
    room_broker broker{
        {.room_timeout = std::chrono::seconds{30}, .same_address = s.next() % 2 == 0, .max_agreements = 5}};
    std::array<bool, connections> waiting{};
    time_point now{};
    const auto drain = [&] {
        while (const auto action = broker.next_action()) {
            if (const auto* answer = std::get_if<room_action::answer>(&*action)) {
                const auto to = static_cast<std::uint32_t>(answer->to);
                require(to < connections && waiting[to], "an answer for one that waits");
                waiting[to] = false;
            } else {
                const auto& join = std::get<room_action::join>(*action);
                require(join.client != join.server, "nobody is joined to itself");
            }
        }
        std::size_t expected = 0;
        for (const bool w : waiting) expected += w ? 1 : 0;
        require(broker.count().waiting == expected, "who waits is counted");
        require(broker.count().agreements <= 5, "agreements are bounded");
    };
    while (s.advance()) {
        const byte command = s.next();
        const std::uint32_t at = s.next() % connections;
        switch (command % 5) {
        case 0:
            broker.agree(s.peer(), s.peer(), now);
            break;
        case 1:
            waiting[at] = true;
            broker.connect(connection_id{at}, s.peer());
            break;
        case 2: {
            const std::string line = command < 100 ? std::string{s.name().text()} + '\n'
                                                   : std::string{as_text(s.take(s.next() % 64))};
            bytes_view input = as_bytes(line);
            broker.receive(connection_id{at}, input, now);
            break;
        }
        case 3:
            waiting[at] = false;
            broker.disconnect(connection_id{at});
            break;
        default:
            now += std::chrono::seconds{s.next() % 20};
            broker.expire(now);
            require(broker.next_deadline() > now, "what is due is done");
            break;
        }
        drain();
    }
    broker.expire(now + std::chrono::hours{1});
    drain();
    require(broker.count().agreements == 0, "no agreement is left");
    require(broker.next_deadline() == no_deadline, "nothing is due");
    for (std::uint32_t at = 0; at < connections; ++at) { // whose line never came: its owner ends it
        waiting[at] = false;
        broker.disconnect(connection_id{at});
    }
    drain();
    require(broker.count().waiting == 0, "nobody is left");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    script s{bytes_view{data, size}};
    s.advance();
    switch (s.next() % 4) {
    case 0:
        run_client(s);
        break;
    case 1:
        run_server(s);
        break;
    case 2:
        run_relay(s);
        break;
    default:
        run_broker(s);
        break;
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed)
{
    return fuzz::mutate_commands<command_bytes>(data, size, max_size, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t max_size, unsigned int seed)
{
    return fuzz::cross_commands<command_bytes>({one, one_size}, {other, other_size}, out, max_size, seed);
}
