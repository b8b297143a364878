// A client with the password "right", and any number of servers behind the relay.
#pragma once

#include <parley/proto/client_machine.hpp>

#include <unit/proto/support.hpp>

#include <map>

namespace parley::test {

struct client_event_names {
    std::string operator()(const client_event::identified& e) const { return "identified " + text(e.self); }
    std::string operator()(const client_event::derivation_due&) const { return {}; }
    std::string operator()(const client_event::repeated&) const { return "repeated"; }
    std::string operator()(const client_event::offered& e) const
    {
        return "offered " + hex4(e.server) + ' ' + text(e.peer);
    }
    std::string operator()(const client_event::rejected& e) const
    {
        return "rejected " + text(e.peer) + ": " + text_of(e.why);
    }
    std::string operator()(const client_event::guesses& e) const { return text_of(e.last_minute); }
    std::string operator()(const client_event::gone& e) const
    {
        return "gone " + hex4(e.server) + ' ' + text(e.peer);
    }
    std::string operator()(const client_event::agreed& e) const
    {
        return "agreed " + text(e.result.self) + ' ' + text(e.result.peer) + ' ' +
               to_hex(e.result.keys.k0.view()) + to_hex(e.result.keys.k1.view());
    }
    static std::string text(const identity& i) { return std::string{i.text()}; }
};

struct client_bench : machine_bench<client_machine> {
    explicit client_bench(client_options options = {}, std::uint64_t seed = 1)
        : machine_bench{client_machine{secret_bytes{"right"}, random_of(seed), options}}
    {
        event_text = [](const client_machine::event& e) { return std::visit(client_event_names{}, e); };
        machine.expire(now);
    }

    // The machine borrows its source, so the source must not be a member of an object that moves or is made
    // later.
    static seeded_random& random_of(std::uint64_t seed)
    {
        static std::map<std::uint64_t, seeded_random> sources;
        return sources.insert_or_assign(seed, seeded_random{seed}).first->second;
    }

    void identify() { feed(relay_uid, packet::client_identity{named("c:1")}); }

    const spoke_server& server(const std::string& password)
    {
        auto found = servers.find(password);
        if (found == servers.end())
            found = servers.emplace(password, spoke_server::create(as_bytes(password), {}).value()).first;
        return found->second;
    }
    // The relay announces server `number`, named s:number.
    void announce_alone(std::uint16_t number, const std::string& password = "right")
    {
        passwords[number] = password;
        feed(relay_uid, packet::new_server{uid{number}, server(password).public_packet(), name(number)});
    }
    // One that asks for so many iterations, whose password nobody has.
    void announce_costly(std::uint16_t number, std::uint64_t iterations)
    {
        public_parameters parameters;
        parameters.iterations = iterations;
        const auto bytes =
            bytes_of(relay_uid, packet::new_server{uid{number}, format_public(parameters), name(number)});
        bytes_view input{bytes};
        machine.receive(input);
    }
    // The same, and the derivations that are due.
    void announce(std::uint16_t number, const std::string& password = "right")
    {
        announce_alone(number, password);
        derive();
    }
    void derive()
    {
        derive_now(machine);
        drain();
    }
    // Does one derivation; false when none is due.
    bool derive_one()
    {
        auto job = machine.next_derivation();
        if (!job) return false;
        machine.derived(std::move(*job));
        drain();
        return true;
    }
    void pass_alone(duration time)
    {
        now += time;
        machine.expire(now);
        drain();
    }
    void pass(duration time)
    {
        pass_alone(time);
        derive();
    }
    static identity name(std::uint16_t number) { return named("s:" + std::to_string(number)); }
    // What server `number` answers to the latest X that it received.
    packet_variant answer_of(std::uint16_t number)
    {
        seeded_random random{number};
        const auto x = latest<packet::x_and_client_identity>(uid{number});
        sessions[number] =
            server(passwords[number]).compute(x.identity, name(number), x.x, random_scalar(random)).value();
        return packet::y_and_server_validator{sessions[number].y(), sessions[number].server_validator()};
    }
    void answer(std::uint16_t number) { feed(uid{number}, answer_of(number)); }
    // Server `number` checks the validator and agrees.
    void confirm(std::uint16_t number)
    {
        auto keys = sessions[number].confirm(latest<packet::client_validator>(uid{number}).validator);
        ASSERT_TRUE(keys);
        key_text[number] = to_hex(keys->k0.view()) + to_hex(keys->k1.view());
        feed(uid{number}, packet::agreement{});
    }

    time_point now{std::chrono::hours{24}};
    std::map<std::string, spoke_server> servers;
    std::map<std::uint16_t, std::string> passwords;
    std::map<std::uint16_t, spoke_server_session> sessions;
    std::map<std::uint16_t, std::string> key_text;
};

} // namespace parley::test
