#include "bench/scripted_peer.hpp"

#include "bench/failure.hpp"

#include <parley/crypto/random.hpp>
#include <parley/proto/client_machine.hpp>
#include <parley/proto/server_machine.hpp>

#include <cstring>

namespace parley::bench {
namespace {

public_parameters parameters_of(std::uint32_t number)
{
    public_parameters out;
    store_be(out.salt.data(), number);
    return out;
}

std::string password_of(std::uint32_t number)
{
    return "password " + std::to_string(number);
}

class precomputed_server final : public scripted_peer {
public:
    explicit precomputed_server(std::uint32_t number) { public_ = format_public(parameters_of(number)); }

private:
    void start() override { say(relay_uid, packet::hello_as_a_server{public_}); }
    void on_packet(const message& packet) override
    {
        if (std::holds_alternative<packet::server_identity>(packet.body))
            identified_ = true;
        else if (std::holds_alternative<packet::x_and_client_identity>(packet.body))
            say(packet.peer, packet::y_and_server_validator{});
        else if (std::holds_alternative<packet::client_validator>(packet.body))
            say(packet.peer, packet::agreement{});
        else if (std::holds_alternative<packet::accepted>(packet.body))
            done_ = true;
    }
};

class precomputed_client final : public scripted_peer {
public:
    explicit precomputed_client(const public_packet_bytes& wanted) : wanted_(wanted) {}

private:
    void start() override { say(relay_uid, packet::hello_as_a_client{}); }
    void on_packet(const message& packet) override
    {
        if (const auto* mine = std::get_if<packet::client_identity>(&packet.body)) {
            identified_ = true;
            self_ = mine->identity;
        } else if (const auto* offer = std::get_if<packet::new_server>(&packet.body)) {
            if (offer->public_packet == wanted_) say(offer->server, packet::x_and_client_identity{{}, self_});
        } else if (std::holds_alternative<packet::y_and_server_validator>(packet.body)) {
            say(packet.peer, packet::client_validator{});
        } else if (std::holds_alternative<packet::agreement>(packet.body)) {
            say(packet.peer, packet::accepted{});
        } else if (std::holds_alternative<packet::done>(packet.body)) {
            done_ = true;
        }
    }

    public_packet_bytes wanted_;
    identity self_;
};

// Passes packets between the relay and one of the real machines.
template <class Machine>
class machine_peer : public scripted_peer {
protected:
    explicit machine_peer(Machine machine) : machine_(std::move(machine)) {}

    void start() override { drain(); }
    void pass(const message& packet)
    {
        const encoded_packet encoded = encode(packet.peer, packet.body);
        bytes_view input = encoded.view();
        machine_.receive(input);
        drain();
    }
    virtual void on_event(const typename Machine::event& event) = 0;

    void drain()
    {
        while (std::optional<typename Machine::event> event = machine_.next_event()) on_event(*event);
        const bytes_view output = machine_.output();
        output_.insert(output_.end(), output.begin(), output.end());
        machine_.consume_output(output.size());
    }

    Machine machine_;
};

class real_server final : public machine_peer<server_machine> {
public:
    explicit real_server(spoke_server server, const public_packet_bytes& shown)
        : machine_peer(server_machine{std::move(server), system_random()})
    {
        public_ = shown;
    }

private:
    void on_packet(const message& packet) override { pass(packet); }
    void on_event(const server_event_variant& event) override
    {
        if (std::holds_alternative<server_event::identified>(event)) identified_ = true;
        if (std::holds_alternative<server_event::agreed>(event)) done_ = true;
    }
};

class real_client final : public machine_peer<client_machine> {
public:
    real_client(std::uint32_t number, const public_packet_bytes& wanted)
        : machine_peer(client_machine{secret_bytes{std::string_view{password_of(number)}}, system_random()}),
          wanted_(wanted)
    {
    }

private:
    void on_packet(const message& packet) override
    {
        const auto* offer = std::get_if<packet::new_server>(&packet.body);
        if (offer != nullptr && offer->public_packet != wanted_) return;
        pass(packet);
        derive_now(machine_);
        drain();
    }
    void on_event(const client_event_variant& event) override
    {
        if (std::holds_alternative<client_event::identified>(event)) identified_ = true;
        if (const auto* offer = std::get_if<client_event::offered>(&event)) machine_.accept(offer->server);
        if (std::holds_alternative<client_event::agreed>(event)) done_ = true;
    }

    public_packet_bytes wanted_;
};

} // namespace

void scripted_peer::receive(bytes_view input)
{
    if (!std::exchange(started_, true)) start();
    while (!input.empty()) {
        const result<std::optional<message>> packet = parser_.parse(input);
        // An invalid packet ends the handshake by its time limit, which counts as a failure.
        if (!packet || !*packet) return;
        on_packet(**packet);
    }
}

std::unique_ptr<scripted_peer> make_server_peer(bool real, std::uint32_t number)
{
    if (!real) return std::make_unique<precomputed_server>(number);
    result<spoke_server> server = spoke_server::create(as_bytes(password_of(number)), parameters_of(number));
    if (!server) throw failure{"key agreement: " + server.error().message()};
    const public_packet_bytes shown = server->public_packet();
    return std::make_unique<real_server>(std::move(*server), shown);
}

std::unique_ptr<scripted_peer> make_client_peer(bool real, std::uint32_t number,
                                                const public_packet_bytes& wanted)
{
    if (!real) return std::make_unique<precomputed_client>(wanted);
    return std::make_unique<real_client>(number, wanted);
}

} // namespace parley::bench
