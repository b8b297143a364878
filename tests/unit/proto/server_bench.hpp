// A server with the password "right", and any number of clients behind the relay.
#pragma once

#include <parley/proto/server_machine.hpp>

#include <unit/proto/support.hpp>

#include <map>

namespace parley::test {

struct server_event_names {
    std::string operator()(const server_event::identified& e) const { return "identified " + text(e.self); }
    std::string operator()(const server_event::rejected& e) const
    {
        return "rejected " + text(e.peer) + ": " + text_of(e.why);
    }
    std::string operator()(const server_event::guesses& e) const { return text_of(e.last_minute); }
    std::string operator()(const server_event::refused& e) const { return "refused " + text(e.peer); }
    std::string operator()(const server_event::agreed& e) const
    {
        return "agreed " + text(e.result.self) + ' ' + text(e.result.peer) + ' ' +
               to_hex(e.result.keys.k0.view()) + to_hex(e.result.keys.k1.view());
    }
    static std::string text(const identity& i) { return std::string{i.text()}; }
};

// A server with the password "right", and any number of clients behind the relay.
struct server_bench : machine_bench<server_machine> {
    explicit server_bench(server_options options = {})
        : machine_bench{
              server_machine{spoke_server::create(as_bytes("right"), {}).value(), shared_random(), options}}
    {
        event_text = [](const server_machine::event& e) { return std::visit(server_event_names{}, e); };
        machine.expire(now);
    }

    static seeded_random& shared_random()
    {
        static seeded_random random{1};
        return random;
    }
    void pass(duration time)
    {
        now += time;
        machine.expire(now);
        drain();
    }

    void identify() { feed(relay_uid, packet::server_identity{named("s:1")}); }
    static identity name(std::uint16_t number) { return named("c:" + std::to_string(number)); }

    // Client `number` greets.
    void greet(std::uint16_t number, const std::string& password = "right")
    {
        seeded_random random{number};
        const auto hello = std::get<packet::hello_as_a_server>(sent.front().body);
        clients[number] =
            spoke_client::create(as_bytes(password), hello.public_packet, random_scalar(random)).value();
        feed(uid{number}, packet::x_and_client_identity{clients[number].x(), name(number)});
    }
    // How client `number` judges the server's latest answer.
    result<client_agreement> finish(std::uint16_t number)
    {
        const auto answer = latest<packet::y_and_server_validator>(uid{number});
        return clients[number].finish(name(number), named("s:1"), answer.y, answer.validator);
    }
    void prove(std::uint16_t number)
    {
        const auto made = finish(number);
        ASSERT_TRUE(made);
        key_text[number] = to_hex(made->keys.k0.view()) + to_hex(made->keys.k1.view());
        feed(uid{number}, packet::client_validator{made->client_validator});
    }

    time_point now{std::chrono::hours{24}};
    std::map<std::uint16_t, spoke_client> clients;
    std::map<std::uint16_t, std::string> key_text;
};

} // namespace parley::test
