#include <parley/proto/server_machine.hpp>

#include <proto/deadline.hpp>
#include <proto/fifo.hpp>
#include <proto/guess_counter.hpp>
#include <proto/output_buffer.hpp>
#include <proto/overloaded.hpp>

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>

namespace parley {
namespace {

// How long a client may take to prove the password before its greeting counts as a guess.
constexpr duration max_proof_time = std::chrono::seconds{10};

// How far the server is with one client. Secrets are wiped with the client's entry.
struct greeted {
    spoke_server_session session;
    std::list<std::uint16_t>::iterator age; // its position in `unproven`
    time_point deadline;                    // no_deadline: it counts as a guess already
};
struct proven {
    session_keys keys;
};

struct client_in_hand {
    identity who;
    std::variant<greeted, proven> progress;
};

} // namespace

struct server_machine::state {
    state(spoke_server s, random_source& r, server_options o)
        : exchange{std::move(s)}, random{&r}, options{o}, guesses{o.max_guesses, o.earlier_guesses}
    {
        output.put(relay_uid, packet::hello_as_a_server{exchange.public_packet()});
    }

    spoke_server exchange;
    random_source* random;
    server_options options;
    packet_parser parser;
    output_buffer output;
    fifo<event> events;
    identity self; // empty until the relay reports it
    std::unordered_map<std::uint16_t, client_in_hand> clients;
    std::list<std::uint16_t> unproven; // the greeted, oldest first
    // The first of them that does not count as a guess yet. All wait equally long, so nobody behind it
    // counts.
    std::list<std::uint16_t>::iterator uncounted = unproven.end();
    time_point now{};
    guess_counter guesses;
    bool finished = false;
    error_code error;

    // --- the table of transitions ----------------------------------------------------------------

    // From the relay itself: any other packet ends the machine.
    void receive_from_relay(const packet_variant& body)
    {
        std::visit(overloaded{
                       [&](const packet::server_identity& p) { identify(p.identity); },
                       [&](const packet::closed& p) {
                           p.gone == relay_uid ? fail(errc::closed_by_relay) : forget(p.gone);
                       },
                       [&](const packet::timeout&) { fail(errc::timed_out_by_relay); },
                       [&](const auto&) { fail(errc::unexpected_packet); },
                   },
                   body);
    }

    // From a client, through the relay. A client may send these at any time: late, twice or in bad faith.
    // What does not fit its state harms only the client itself. The relay forwards nothing else to a server.
    void receive_from_client(uid from, const packet_variant& body)
    {
        std::visit(overloaded{
                       [&](const packet::x_and_client_identity& p) { greet(from, p); },
                       [&](const packet::client_validator& p) { prove(from, p); },
                       [&](const packet::accepted&) { agree(from); },
                       [&](const packet::refused&) { hear_refused(from); },
                       [&](const packet::spoke_failure& p) { give_up(from, p.kind); },
                       [&](const auto&) { fail(errc::unexpected_packet); },
                   },
                   body);
    }

    // --- what the transitions do -----------------------------------------------------------------

    void identify(const identity& own)
    {
        if (!self.empty()) return fail(errc::unexpected_packet);
        self = own;
        events.push(server_event::identified{own});
    }

    void greet(uid from, const packet::x_and_client_identity& p)
    {
        // No client can know this server before the relay has answered its hello.
        if (self.empty()) return fail(errc::unexpected_packet);
        forget(from);
        if (finished || !make_room()) return;

        auto session = exchange.compute(p.identity, self, p.x, random_scalar(*random));
        if (!session) return reject(from, p.identity, session.error());
        output.put(from, packet::y_and_server_validator{session->y(), session->server_validator()});
        unproven.push_back(from.value);
        const auto age = std::prev(unproven.end());
        if (uncounted == unproven.end()) uncounted = age;
        greeted pending{std::move(*session), age, deadline_after(now, max_proof_time)};
        clients.emplace(from.value, client_in_hand{p.identity, std::move(pending)});
    }

    void prove(uid from, const packet::client_validator& p)
    {
        client_in_hand* const client = find(from);
        if (client == nullptr) return complain(from);
        auto* const pending = std::get_if<greeted>(&client->progress);
        if (pending == nullptr) return;
        auto keys = pending->session.confirm(p.validator);
        if (!keys) {
            const identity who = client->who;
            if (keys.error() == errc::version_not_spoken)
                pending->deadline = no_deadline; // it has not guessed
            reject(from, who, keys.error());
            return forget(from);
        }
        take_off_unproven(*pending);
        client->progress = proven{std::move(*keys)};
        output.put(from, packet::agreement{});
    }

    void agree(uid from)
    {
        client_in_hand* const client = find(from);
        auto* const known = client == nullptr ? nullptr : std::get_if<proven>(&client->progress);
        if (known == nullptr) return complain(from);
        events.push(server_event::agreed{agreement{self, client->who, std::move(known->keys)}});
        finish({});
    }

    // A client that has not proven the password was offered nothing that it could refuse.
    void hear_refused(uid from)
    {
        const client_in_hand* const client = find(from);
        if (client != nullptr && std::holds_alternative<proven>(client->progress))
            events.push(server_event::refused{client->who});
        forget(from);
    }

    // A client with another password notices first, by this side's validator, and says so with this packet.
    void give_up(uid from, spoke_failure_kind why)
    {
        const client_in_hand* const client = find(from);
        if (client != nullptr && std::holds_alternative<greeted>(client->progress) && guesses.may_tell(now))
            events.push(server_event::rejected{client->who, to_errc(why)});
        forget(from);
    }

    void reject(uid client, const identity& who, error_code why)
    {
        // A fault of this side is not the peer's failure.
        if (why == errc::crypto_unavailable) return fail(why);
        output.put(client, packet::spoke_failure{to_spoke_failure(why)});
        if (guesses.may_tell(now)) events.push(server_event::rejected{who, why});
    }

    void complain(uid client)
    {
        output.put(relay_uid, packet::relay_failure{relay_failure_kind::invalid_client, client});
    }

    // Makes room for a new client by forgetting the oldest unproven one. Clients that know the password stay.
    // If there are only such clients, the new one gets no answer.
    bool make_room()
    {
        if (clients.size() < options.max_clients) return true;
        if (unproven.empty()) return false;
        forget({unproven.front()});
        return !finished;
    }

    client_in_hand* find(uid client)
    {
        const auto found = clients.find(client.value);
        return found == clients.end() ? nullptr : &found->second;
    }

    void forget(uid client)
    {
        const auto found = clients.find(client.value);
        if (found == clients.end()) return;
        const auto* const unproven_one = std::get_if<greeted>(&found->second.progress);
        const bool guess = unproven_one != nullptr && unproven_one->deadline != no_deadline;
        if (unproven_one != nullptr) take_off_unproven(*unproven_one);
        const identity who = found->second.who;
        clients.erase(found);
        if (guess) count_guess(who);
    }

    void take_off_unproven(const greeted& client)
    {
        if (uncounted == client.age) ++uncounted;
        unproven.erase(client.age);
    }

    // --- guesses and time ------------------------------------------------------------------------

    void count_guess(const identity& who)
    {
        guesses.add(who, now);
        report_guesses();
        if (guesses.is_exhausted()) fail(errc::too_many_guesses);
    }

    void report_guesses()
    {
        if (const auto report = guesses.take_report(now)) events.push(server_event::guesses{*report});
    }

    greeted* first_uncounted()
    {
        return uncounted == unproven.end() ? nullptr : &std::get<greeted>(clients.at(*uncounted).progress);
    }

    void expire(time_point to)
    {
        now = std::max(now, to);
        while (greeted* const client = finished ? nullptr : first_uncounted()) {
            if (client->deadline > now) break;
            client->deadline = no_deadline;
            const identity who = clients.at(*uncounted).who;
            ++uncounted;
            count_guess(who);
        }
        if (!finished) report_guesses();
    }

    time_point next_deadline()
    {
        const greeted* const client = first_uncounted();
        return std::min(guesses.next_deadline(), client == nullptr ? no_deadline : client->deadline);
    }

    void fail(error_code why) { finish(why); }

    void finish(error_code why)
    {
        finished = true;
        error = why;
        // These clients have seen this side's validator, so their guesses are made.
        guesses.add_unseen(static_cast<std::uint64_t>(std::distance(uncounted, unproven.end())));
        clients.clear();
        unproven.clear();
        uncounted = unproven.end();
    }
};

server_machine::server_machine(spoke_server server, random_source& random, server_options options)
    : state_{std::make_unique<state>(std::move(server), random, options)}
{
}
server_machine::server_machine(server_machine&&) noexcept = default;
server_machine& server_machine::operator=(server_machine&&) noexcept = default;
server_machine::~server_machine() = default;

void server_machine::receive(bytes_view& input)
{
    if (state_->finished) return;
    const auto packet = state_->parser.parse(input);
    if (!packet) return state_->fail(packet.error());
    if (!*packet) return;
    const auto& [from, body] = **packet;
    from == relay_uid ? state_->receive_from_relay(body) : state_->receive_from_client(from, body);
}

void server_machine::receive_end()
{
    if (state_->finished) return;
    const error_code cut = state_->parser.finish();
    state_->fail(cut ? cut : make_error_code(errc::unexpected_end));
}

void server_machine::stop(error_code why)
{
    if (!state_->finished) state_->fail(why);
}

void server_machine::expire(time_point now)
{
    if (!state_->finished) state_->expire(now);
}

time_point server_machine::next_deadline() const noexcept
{
    return state_->finished ? no_deadline : state_->next_deadline();
}

bytes_view server_machine::output() const
{
    return state_->output.view();
}

void server_machine::consume_output(std::size_t n)
{
    state_->output.consume(n);
}

std::optional<server_machine::event> server_machine::next_event()
{
    return state_->events.pop();
}

bool server_machine::finished() const noexcept
{
    return state_->finished;
}

error_code server_machine::error() const noexcept
{
    return state_->error;
}

std::uint64_t server_machine::guesses() const noexcept
{
    return state_->guesses.total();
}

} // namespace parley
