// The relay of a simulation: both its machines, driven as an owner must drive them, and the pipe of its
// rooms.
#pragma once

#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>

#include <sim/simulated_network.hpp>

#include <set>

namespace parley::test {

class simulated_relay {
public:
    simulated_relay(simulated_network& network, relay_options relay, room_options rooms)
        : network_{network}, machine_{relay}, broker_{rooms}
    {
    }

    // Connections of peers, with the identity that the relay sees.
    simulated_network::port open_handshake(const identity& who, simulated_network::side peer)
    {
        return network_.open(std::move(peer), [this, who](simulated_network::port port) {
            const std::uint32_t at = take(peers_, port);
            peers_[at].who = who;
            present_.insert(std::string{who.text()});
            machine_.connect(connection_id{at}, who, network_.now());
            drain();
            return simulated_network::side{[this, at](bytes_view bytes) { hear(at, bytes); },
                                           [this, at] { release(at); }};
        });
    }
    simulated_network::port open_room(const identity& who, simulated_network::side peer)
    {
        return network_.open(std::move(peer), [this, who](simulated_network::port port) {
            const std::uint32_t at = take(guests_, port);
            broker_.connect(connection_id{at}, who);
            drain();
            return simulated_network::side{[this, at](bytes_view bytes) { hear_guest(at, bytes); },
                                           [this, at] { release_guest(at); }};
        });
    }

    const relay_machine& machine() const { return machine_; }
    const room_broker& broker() const { return broker_; }
    bool present(const std::string& who) const { return present_.contains(who); }
    std::size_t rooms_joined() const { return rooms_joined_; }
    std::size_t agreements() const { return agreements_; }
    std::size_t connections() const
    {
        const auto used = [](const auto& all) {
            return static_cast<std::size_t>(
                std::count_if(all.begin(), all.end(), [](const auto& c) { return c.used; }));
        };
        return used(peers_) + used(guests_);
    }

private:
    struct handshake {
        bool used = false, closing = false;
        simulated_network::port port;
        identity who;
        packet_parser parser;
    };
    struct guest {
        bool used = false, joined = false;
        simulated_network::port port;
        std::uint32_t partner = 0;
        byte_vector early;
    };

    template <class T>
    static std::uint32_t take(std::vector<T>& all, simulated_network::port port)
    {
        const auto free = std::find_if(all.begin(), all.end(), [](const T& c) { return !c.used; });
        const auto at = static_cast<std::uint32_t>(free - all.begin());
        if (free == all.end()) all.emplace_back();
        all[at] = T{};
        all[at].used = true;
        all[at].port = port;
        return at;
    }

    void hear(std::uint32_t at, bytes_view bytes)
    {
        while (!bytes.empty() && peers_[at].used && !peers_[at].closing) {
            const auto packet = peers_[at].parser.parse(bytes);
            if (!packet)
                machine_.receive_malformed(connection_id{at}, packet.error());
            else if (*packet)
                machine_.receive(connection_id{at}, **packet);
            drain();
        }
    }

    void release(std::uint32_t at)
    {
        if (!peers_[at].used) return;
        network_.close(peers_[at].port);
        present_.erase(std::string{peers_[at].who.text()});
        peers_[at].used = false;
        machine_.disconnect(connection_id{at});
        drain();
    }

    void hear_guest(std::uint32_t at, bytes_view bytes)
    {
        guest& g = guests_[at];
        if (!g.used) return;
        if (g.joined) {
            network_.send(guests_[g.partner].port, bytes);
            return;
        }
        broker_.receive(connection_id{at}, bytes, network_.now());
        guests_[at].early.insert(guests_[at].early.end(), bytes.begin(), bytes.end());
        drain();
    }

    void release_guest(std::uint32_t at)
    {
        guest& g = guests_[at];
        if (!g.used) return;
        network_.close(g.port);
        g.used = false;
        if (g.joined)
            release_guest(g.partner);
        else
            broker_.disconnect(connection_id{at});
        drain();
    }

    void drain()
    {
        std::vector<std::uint32_t> gone, gone_guests;
        while (const auto action = machine_.next_action())
            std::visit([&](const auto& a) { act(a, gone); }, *action);
        while (const auto action = broker_.next_action())
            std::visit([&](const auto& a) { act(a, gone_guests); }, *action);
        for (const std::uint32_t at : gone) release(at);
        for (const std::uint32_t at : gone_guests) release_guest(at);
        wake_at(std::min(machine_.next_deadline(), broker_.next_deadline()));
    }

    void act(const relay_action::send& a, std::vector<std::uint32_t>&)
    {
        handshake& c = peers_[static_cast<std::uint32_t>(a.to)];
        EXPECT_TRUE(c.used && !c.closing) << "bytes for one that is gone";
        network_.send(c.port, a.packet->view());
    }
    void act(const relay_action::close& a, std::vector<std::uint32_t>& gone)
    {
        const auto at = static_cast<std::uint32_t>(a.which);
        EXPECT_FALSE(peers_[at].closing);
        peers_[at].closing = true;
        gone.push_back(at);
    }
    void act(const relay_action::agree& a, std::vector<std::uint32_t>&)
    {
        ++agreements_;
        broker_.agree(a.client, a.server, network_.now());
    }
    void act(const relay_action::drop&, std::vector<std::uint32_t>&) {}
    void act(const room_action::answer& a, std::vector<std::uint32_t>& gone)
    {
        const auto at = static_cast<std::uint32_t>(a.to);
        network_.send(guests_[at].port, encode(a.code));
        if (a.code != room_answer::joined) gone.push_back(at);
    }
    void act(const room_action::join& a, std::vector<std::uint32_t>&)
    {
        ++rooms_joined_;
        const std::array<std::uint32_t, 2> both{static_cast<std::uint32_t>(a.client),
                                                static_cast<std::uint32_t>(a.server)};
        for (std::size_t i = 0; i < 2; ++i) {
            guest& g = guests_[both[i]];
            g.joined = true;
            g.partner = both[1 - i];
            network_.send(guests_[g.partner].port, std::exchange(g.early, {}));
        }
    }

    void wake_at(time_point when)
    {
        if (when == no_deadline || (wake_ > network_.now() && wake_ <= when)) return;
        wake_ = when;
        network_.at(when, [this] {
            machine_.expire(network_.now());
            broker_.expire(network_.now());
            drain();
        });
    }

    simulated_network& network_;
    relay_machine machine_;
    room_broker broker_;
    std::vector<handshake> peers_;
    std::vector<guest> guests_;
    std::set<std::string> present_;
    std::size_t rooms_joined_ = 0, agreements_ = 0;
    time_point wake_{};
};

} // namespace parley::test
