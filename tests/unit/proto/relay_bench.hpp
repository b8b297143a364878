// A relay's machine whose actions are lines of text.
#pragma once

#include <parley/proto/relay_machine.hpp>

#include <unit/proto/support.hpp>

namespace parley::test {

inline constexpr time_point start{};
using connections = std::initializer_list<std::uint32_t>;

inline std::string text(const identity& i)
{
    return std::string{i.text()};
}
inline std::uint32_t number(connection_id c)
{
    return static_cast<std::uint32_t>(c);
}

struct action_names {
    std::string operator()(const relay_action::send& a) const
    {
        return "to " + std::to_string(number(a.to)) + ": " + text_of(packets_in(a.packet->view()).at(0));
    }
    std::string operator()(const relay_action::close& a) const
    {
        return "close " + std::to_string(number(a.which)) + ": " + text_of(a.why);
    }
    std::string operator()(const relay_action::agree& a) const
    {
        return "agree " + text(a.client) + ' ' + text(a.server);
    }
    std::string operator()(const relay_action::drop& a) const
    {
        const std::array<byte, 1> type{a.type};
        return "drop " + std::to_string(number(a.from)) + ": " + to_hex(type) + ' ' +
               std::string{drop_reason_name(a.reason)};
    }
};

// Options of a relay that tells everything at once.
inline relay_options at_once(relay_options options = {})
{
    options.announcement_interval = duration::zero();
    return options;
}

// A relay, with connection n named p:n.
struct relay_bench {
    explicit relay_bench(relay_options options = at_once()) : machine{options} {}

    static identity name(std::uint32_t c) { return named("p:" + std::to_string(c)); }
    void connect(std::uint32_t c, duration at = {})
    {
        machine.connect(connection_id{c}, name(c), std::max(now, start + at));
    }
    void say(std::uint32_t c, uid to, const packet_variant& body)
    {
        machine.receive(connection_id{c}, message{to, body}, now);
    }
    void server(std::uint32_t c)
    {
        connect(c);
        say(c, relay_uid, packet::hello_as_a_server{public_of(c)});
    }
    void client(std::uint32_t c)
    {
        connect(c);
        say(c, relay_uid, packet::hello_as_a_client{});
    }
    static public_packet_bytes public_of(std::uint32_t c)
    {
        public_packet_bytes out{};
        out[0] = static_cast<byte>(c);
        return out;
    }
    void break_rule(std::uint32_t c, errc why) { machine.receive_malformed(connection_id{c}, why, now); }
    void leave(std::uint32_t c) { machine.disconnect(connection_id{c}, now); }
    void expire(time_point when)
    {
        now = when;
        machine.expire(now);
    }

    lines take()
    {
        lines out;
        while (const auto action = machine.next_action()) out.push_back(std::visit(action_names{}, *action));
        return out;
    }
    std::vector<relay_action_variant> actions()
    {
        std::vector<relay_action_variant> out;
        while (auto action = machine.next_action()) out.push_back(std::move(*action));
        return out;
    }

    relay_machine machine;
    time_point now = start;
};

} // namespace parley::test
