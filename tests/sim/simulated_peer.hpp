// A peer of a simulation: its machine on a simulated connection, then its room, until it is done or vanishes.
#pragma once

#include <parley/proto/client_machine.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/proto/server_machine.hpp>

#include <sim/simulated_relay.hpp>

namespace parley::test {

enum class way_to_vanish { never, cleanly, silently };

struct peer_plan {
    identity who;
    std::string password;
    duration starts{};
    way_to_vanish vanishes = way_to_vanish::never;
    std::size_t vanishes_after = 0; // pieces of input
    bool refuses = false;           // a client that says no to whatever it is offered
};

// What both kinds share. M is client_machine or server_machine.
template <Machine M>
class simulated_peer {
public:
    static constexpr bool is_client = std::is_same_v<M, client_machine>;

    simulated_peer(simulated_network& network, simulated_relay& relay, seeded_random& random,
                   peer_plan its_plan)
        : plan{std::move(its_plan)}, network_{network}, relay_{relay}, random_{random}
    {
        network_.after(plan.starts, [this] { start(); });
    }
    simulated_peer(simulated_peer&&) = delete;

    peer_plan plan;
    bool vanished = false;
    bool done = false;               // it will do nothing more
    error_code error;                // why it ended without a document
    std::optional<agreement> agreed; // what the handshake ended in
    bool met = false;                // the room was joined
    byte_vector document;            // received, or to be sent
    // The servers (or clients) of which it knows, by their uids: announced or heard of, and neither closed
    // nor ended.
    std::map<std::uint16_t, std::string> known;

private:
    void start()
    {
        if constexpr (is_client) {
            machine_.emplace(secret_bytes{plan.password}, random_);
        } else {
            public_parameters parameters;
            parameters.iterations = 1;
            random_.fill(parameters.salt);
            machine_.emplace(spoke_server::create(as_bytes(plan.password), parameters).value(), random_);
            document.resize(1 + random_.below(100'000));
            random_.fill(document);
        }
        port_ = relay_.open(relay_channel::handshake, plan.who,
                            {[this](bytes_view bytes) { hear(bytes); }, [this] { end(); }});
        drain();
        step();
    }

    // Another piece of input was taken: some peers vanish here.
    void step()
    {
        if (plan.vanishes == way_to_vanish::never || vanished || done || ++steps_ <= plan.vanishes_after)
            return;
        vanished = done = true;
        plan.vanishes == way_to_vanish::cleanly ? network_.close(port_) : network_.vanish(port_);
    }

    void hear(bytes_view bytes)
    {
        if (done) return;
        machine_->expire(network_.now());
        drain();
        while (!bytes.empty() && !machine_->finished()) {
            const bytes_view before = bytes;
            machine_->receive(bytes);
            note(before.first(before.size() - bytes.size()), from_relay_, true);
            drain();
        }
        step();
        settle();
    }

    void end()
    {
        if (done) return;
        machine_->receive_end();
        drain();
        settle();
    }

    void drain()
    {
        take_output();
        if constexpr (is_client) {
            derive_now(*machine_);
            take_output();
        }
        wait_for_deadline();
    }

    void wait_for_deadline()
    {
        const time_point when = machine_->next_deadline();
        if (when >= waits_until_) return;
        waits_until_ = when;
        network_.at(when, [this] {
            waits_until_ = no_deadline;
            if (done || machine_->finished()) return;
            machine_->expire(network_.now());
            drain();
            settle();
        });
    }

    void take_output()
    {
        const bytes_view due = machine_->output();
        note(due, to_relay_, false);
        network_.send(port_, due);
        machine_->consume_output(due.size());
        while (auto event = machine_->next_event())
            std::visit([this](auto& e) { this->hear_event(e); }, *event);
    }

    template <class Event>
    void hear_event(Event& e)
    {
        if constexpr (requires { e.result; }) agreed = std::move(e.result);
        if constexpr (std::is_same_v<Event, client_event::offered>) {
            // The user takes a while, and may be asked by several servers meanwhile.
            network_.after(std::chrono::milliseconds{random_.below(2000)}, [this, server = e.server] {
                if (done || machine_->finished()) return;
                plan.refuses ? machine_->refuse(server) : machine_->accept(server);
                drain();
            });
        }
    }

    // Once the handshake is over: to the room, or to the end.
    void settle()
    {
        if (done || in_room_ || !machine_->finished()) return;
        network_.close(port_);
        if (!agreed) return finish(machine_->error());
        in_room_ = true;
        entry_.emplace(agreed->peer);
        // The room's connection has the address of the handshake's, and another port.
        const identity who = named(std::string{plan.who.address()} + ":9");
        port_ = relay_.open(relay_channel::room, who,
                            {[this](bytes_view bytes) { hear_room(bytes); }, [this] { end_room(); }});
        network_.send(port_, entry_->output());
        entry_->consume_output(entry_->output().size());
        step();
    }

    void hear_room(bytes_view bytes)
    {
        if (done) return;
        while (!bytes.empty() && !entry_->finished()) entry_->receive(bytes);
        if (entry_->finished() && entry_->error()) return leave_room(entry_->error());
        if (entry_->next_event()) joined();
        if constexpr (is_client) {
            while (!bytes.empty() && !done) {
                const auto got = reader_->read(bytes);
                if (!got) return leave_room(got.error());
                document.insert(document.end(), got->bytes.begin(), got->bytes.end());
                if (got->ended) leave_room({});
            }
        }
        step();
    }

    void joined()
    {
        met = true;
        const session_keys& keys = agreed->keys;
        if constexpr (is_client) {
            reader_.emplace(record_reader::create(keys.cipher0, keys.k0).value());
        } else {
            auto writer = record_writer::create(keys.cipher0, record_layout::current, keys.k0).value();
            byte_vector out(record_writer::sealed_bytes(document.size()));
            ASSERT_TRUE(writer.write(document, out));
            network_.send(port_, out);
            network_.send(port_, record_end_bytes);
        }
    }

    void end_room()
    {
        if (done) return;
        if (!entry_->finished()) {
            entry_->receive_end();
            return leave_room(entry_->error());
        }
        leave_room(is_client ? make_error_code(errc::unexpected_end) : error_code{});
    }

    void leave_room(error_code why)
    {
        network_.close(port_);
        finish(why);
    }

    void finish(error_code why)
    {
        error = why;
        done = true;
    }

    // Follows what is said, to know of whom this peer has heard.
    void note(bytes_view bytes, packet_parser& parser, bool heard)
    {
        while (!bytes.empty()) {
            const auto parsed = parser.parse(bytes);
            if (!parsed || !*parsed) return;
            const message& m = **parsed;
            if (const auto* p = std::get_if<packet::new_server>(&m.body))
                known[p->server.value] = std::string{p->identity.text()};
            if (const auto* p = std::get_if<packet::closed>(&m.body)) known.erase(p->gone.value);
            if (std::holds_alternative<packet::spoke_failure>(m.body) ||
                (!heard && std::holds_alternative<packet::refused>(m.body)))
                known.erase(m.peer.value);
        }
    }

    simulated_network& network_;
    simulated_relay& relay_;
    seeded_random& random_;
    std::optional<M> machine_;
    std::optional<room_entry_machine> entry_;
    std::optional<record_reader> reader_;
    simulated_network::port port_;
    packet_parser from_relay_, to_relay_;
    time_point waits_until_ = no_deadline;
    std::size_t steps_ = 0;
    bool in_room_ = false;
};

using simulated_client = simulated_peer<client_machine>;
using simulated_server = simulated_peer<server_machine>;

} // namespace parley::test
