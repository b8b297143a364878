#include <parley/proto/client_machine.hpp>

#include <proto/fifo.hpp>
#include <proto/output_buffer.hpp>
#include <proto/overloaded.hpp>

#include <unordered_map>
#include <utility>

namespace parley {
namespace {

// How far the client is with one server. The secrets are wiped with the server's entry.
struct greeted {
    spoke_client exchange;
};
struct proven {
    session_keys keys;
};
struct offered {
    session_keys keys;
};
struct accepted {
    session_keys keys;
};

struct server_in_hand {
    identity who;
    std::variant<greeted, proven, offered, accepted> progress;
};

} // namespace

struct client_machine::state {
    state(secret_bytes p, random_source& r, client_options o) : password{std::move(p)}, random{&r}, options{o}
    {
        output.put(relay_uid, packet::hello_as_a_client{});
    }

    secret_bytes password;
    random_source* random;
    client_options options;
    packet_parser parser;
    output_buffer output;
    fifo<event> events;
    identity self; // empty until the relay reports it
    std::unordered_map<std::uint16_t, server_in_hand> servers;
    std::optional<uid> accepted_server;
    bool finished = false;
    error_code error;

    // --- the table of transitions ----------------------------------------------------------------

    // From the relay itself: any other packet ends the machine.
    void receive_from_relay(const packet_variant& body)
    {
        std::visit(overloaded{
                       [&](const packet::client_identity& p) { identify(p.identity); },
                       [&](const packet::new_server& p) { greet(p); },
                       [&](const packet::closed& p) {
                           p.gone == relay_uid ? fail(errc::closed_by_relay) : leave(p.gone);
                       },
                       [&](const packet::done&) { agree(); },
                       [&](const packet::timeout&) { fail(errc::timed_out_by_relay); },
                       [&](const auto&) { fail(errc::unexpected_packet); },
                   },
                   body);
    }

    // From a server, through the relay. A server may send these at any time: late, twice or in bad faith.
    // Those that do not fit its state are ignored. The relay forwards nothing else to a client.
    void receive_from_server(uid from, const packet_variant& body)
    {
        std::visit(overloaded{
                       [&](const packet::y_and_server_validator& p) { prove(from, p); },
                       [&](const packet::agreement&) { offer(from); },
                       [&](const packet::spoke_failure&) { give_up(from); },
                       [&](const auto&) { fail(errc::unexpected_packet); },
                   },
                   body);
    }

    // --- what the transitions do -----------------------------------------------------------------

    void identify(const identity& own)
    {
        if (!self.empty()) return fail(errc::unexpected_packet);
        self = own;
        events.push(client_event::identified{own});
    }

    void greet(const packet::new_server& p)
    {
        if (self.empty() || p.server == relay_uid) return fail(errc::unexpected_packet);
        // If the relay reuses a uid without closing its last holder first, the new server counts.
        leave(p.server);
        if (!options.only_server.empty() && !(p.identity == options.only_server)) return;
        if (servers.size() >= options.max_servers) return;

        auto exchange = spoke_client::create(password.view(), p.public_packet, random_scalar(*random),
                                             options.max_iterations);
        if (!exchange) return reject(p.server, p.identity, exchange.error());
        output.put(p.server, packet::x_and_client_identity{exchange->x(), self});
        servers.emplace(p.server.value, server_in_hand{p.identity, greeted{std::move(*exchange)}});
    }

    void prove(uid from, const packet::y_and_server_validator& p)
    {
        server_in_hand* const server = find(from);
        auto* const now = server == nullptr ? nullptr : std::get_if<greeted>(&server->progress);
        if (now == nullptr) return;
        auto agreed = now->exchange.finish(self, server->who, p.y, p.validator);
        if (!agreed) {
            const identity who = server->who;
            forget(from);
            return reject(from, who, agreed.error());
        }
        server->progress = proven{std::move(agreed->keys)};
        output.put(from, packet::client_validator{agreed->client_validator});
    }

    void offer(uid from)
    {
        server_in_hand* const server = find(from);
        auto* const now = server == nullptr ? nullptr : std::get_if<proven>(&server->progress);
        if (now == nullptr) return;
        session_keys keys = std::move(now->keys);
        server->progress = offered{std::move(keys)};
        events.push(client_event::offered{from, server->who});
    }

    // Once `accepted` is sent, a failure from the server no longer counts: the relay may already have acted
    // on `accepted`. The relay will send either `done` or the server's `closed`.
    void give_up(uid from)
    {
        if (accepted_server != from) leave(from);
    }

    void leave(uid from)
    {
        const server_in_hand* const server = find(from);
        if (server == nullptr) return;
        if (std::holds_alternative<offered>(server->progress) ||
            std::holds_alternative<accepted>(server->progress))
            events.push(client_event::gone{from, server->who});
        forget(from);
    }

    void agree()
    {
        if (!accepted_server) return fail(errc::unexpected_packet);
        server_in_hand& server = *find(*accepted_server);
        auto& keys = std::get<accepted>(server.progress).keys;
        events.push(client_event::agreed{agreement{self, server.who, std::move(keys)}});
        finish({});
    }

    bool accept(uid server)
    {
        server_in_hand* const chosen = find(server);
        auto* const now = chosen == nullptr ? nullptr : std::get_if<offered>(&chosen->progress);
        if (now == nullptr || accepted_server) return false;
        session_keys keys = std::move(now->keys);
        chosen->progress = accepted{std::move(keys)};
        accepted_server = server;
        output.put(server, packet::accepted{});
        return true;
    }

    bool refuse(uid server)
    {
        const server_in_hand* const chosen = find(server);
        if (chosen == nullptr || !std::holds_alternative<offered>(chosen->progress)) return false;
        forget(server);
        output.put(server, packet::refused{});
        return true;
    }

    void reject(uid server, const identity& who, error_code why)
    {
        // A fault of this side is not the peer's failure.
        if (why == errc::crypto_unavailable) return fail(why);
        output.put(server, packet::spoke_failure{to_spoke_failure(why)});
        events.push(client_event::rejected{who, why});
    }

    server_in_hand* find(uid server)
    {
        const auto found = servers.find(server.value);
        return found == servers.end() ? nullptr : &found->second;
    }

    void forget(uid server)
    {
        if (accepted_server == server) accepted_server.reset();
        servers.erase(server.value);
    }

    void fail(error_code why) { finish(why); }

    void finish(error_code why)
    {
        finished = true;
        error = why;
        servers.clear();
        accepted_server.reset();
        password = secret_bytes{};
    }
};

client_machine::client_machine(secret_bytes password, random_source& random, client_options options)
    : state_{std::make_unique<state>(std::move(password), random, options)}
{
}
client_machine::client_machine(client_machine&&) noexcept = default;
client_machine& client_machine::operator=(client_machine&&) noexcept = default;
client_machine::~client_machine() = default;

void client_machine::receive(bytes_view& input)
{
    if (state_->finished) return;
    const auto packet = state_->parser.parse(input);
    if (!packet) return state_->fail(packet.error());
    if (!*packet) return;
    const auto& [from, body] = **packet;
    from == relay_uid ? state_->receive_from_relay(body) : state_->receive_from_server(from, body);
}

void client_machine::receive_end()
{
    if (state_->finished) return;
    const error_code cut = state_->parser.finish();
    state_->fail(cut ? cut : make_error_code(errc::unexpected_end));
}

void client_machine::stop(error_code why)
{
    if (!state_->finished) state_->fail(why);
}

bool client_machine::accept(uid server)
{
    return !state_->finished && state_->accept(server);
}

bool client_machine::refuse(uid server)
{
    return !state_->finished && state_->refuse(server);
}

bytes_view client_machine::output() const
{
    return state_->output.view();
}

void client_machine::consume_output(std::size_t n)
{
    state_->output.consume(n);
}

std::optional<client_machine::event> client_machine::next_event()
{
    return state_->events.pop();
}

bool client_machine::finished() const noexcept
{
    return state_->finished;
}

error_code client_machine::error() const noexcept
{
    return state_->error;
}

} // namespace parley
