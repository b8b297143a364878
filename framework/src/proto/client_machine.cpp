#include <parley/proto/client_machine.hpp>

#include <proto/deadline.hpp>
#include <proto/derivation_budget.hpp>
#include <proto/derivation_queue.hpp>
#include <proto/fifo.hpp>
#include <proto/guess_counter.hpp>
#include <proto/output_buffer.hpp>
#include <proto/overloaded.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

namespace parley {
namespace {

using namespace std::chrono_literals;

// A server that has not answered for so long gives up its place, and gets the first repetition. The time
// until the next repetition doubles each time.
constexpr duration max_silence = 10s;
constexpr unsigned max_doublings = 12;
// The point multiplications of one handshake, in the iterations that take as long.
constexpr std::uint64_t multiplication_cost = 200;

constexpr std::uint64_t saturated_sum(std::uint64_t a, std::uint64_t b) noexcept
{
    return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                             : a + b;
}

// How far the client is with one server.
enum class server_stage : byte { announced, greeted, proven, offered, accepted };

// What is held while a server has a place. It is wiped with the place.
struct held_secrets {
    std::optional<spoke_client> exchange; // while greeted
    session_keys keys;                    // from proven on
};

struct known_server {
    identity who;
    public_packet_bytes public_packet{};
    server_stage stage = server_stage::announced;
    std::uint16_t attempts = 0;   // the X sent
    std::uint16_t unanswered = 0; // those without an answer
    bool silent = false;          // for max_silence
    bool doubtful = false;        // the last answer was wrong, but may have been to an earlier X
    std::uint64_t serial = 0;     // a number of its own
    std::uint64_t cost = 0;       // of its derivation, in iterations
    derivation_queue::turn turn;  // in its queue
    bool waits = false;           // in its queue
    std::uint64_t greeted_at = 0; // the serial number of its newest X
    time_point deadline = no_deadline;
    std::unique_ptr<held_secrets> held; // null: it has no place
};

} // namespace

struct client_machine::state {
    state(secret_bytes p, random_source& r, client_options o)
        : password{std::move(p)},
          random{&r},
          options{o},
          budget{std::max(o.iterations_a_minute, saturated_sum(o.max_iterations, multiplication_cost))},
          guesses{o.max_guesses, o.earlier_guesses}
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
    std::unordered_map<std::uint16_t, known_server> servers;
    std::optional<uid> accepted_server;
    bool finished = false;
    error_code error;

    time_point now{};
    std::set<std::pair<time_point, std::uint16_t>> deadlines;
    derivation_queue first_attempts, repetitions;
    bool repetition_is_next = false;                          // where both wait
    std::set<std::pair<std::uint64_t, std::uint16_t>> silent; // oldest X first
    std::size_t places = 0;                                   // taken
    std::uint64_t last_serial = 0;
    derivation_budget budget;
    std::optional<std::uint64_t> job_out; // the serial number of its server
    bool due_told = false;                // next_derivation() is expected
    bool accepts_next = false;            // the accepted server is gone
    guess_counter guesses;
    time_point repeated_at = no_deadline; // when the user was told of it

    // --- the table of transitions ----------------------------------------------------------------

    // From the relay itself: any other packet ends the machine.
    void receive_from_relay(const packet_variant& body)
    {
        std::visit(overloaded{
                       [&](const packet::client_identity& p) { identify(p.identity); },
                       [&](const packet::new_server& p) { announce(p); },
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

    void announce(const packet::new_server& p)
    {
        if (self.empty() || p.server == relay_uid) return fail(errc::unexpected_packet);
        // If the relay reuses a uid without closing its last holder first, the new server counts.
        leave(p.server);
        if (!options.only_server.empty() && !(p.identity == options.only_server)) return;

        if (options.versions == session_versions::only_2 && !has_session2_mark(p.public_packet)) return;

        const auto parameters = read_server_public(p.public_packet, options.max_iterations, options.versions);
        if (!parameters) return reject(p.server, p.identity, parameters.error());
        known_server& server = servers[p.server.value];
        server.who = p.identity;
        server.public_packet = p.public_packet;
        server.serial = ++last_serial;
        server.cost =
            saturated_sum(std::max(parameters->iterations, default_iterations), multiplication_cost);
        wait_for_derivation(p.server.value, server);
    }

    void greet(std::uint16_t number, known_server& server, spoke_client exchange)
    {
        unschedule(number, server);
        output.put({number}, packet::x_and_client_identity{exchange.x(), self});
        server.held->exchange = std::move(exchange);
        server.stage = server_stage::greeted;
        server.greeted_at = ++last_serial;
        ++server.attempts;
        ++server.unanswered;
        schedule(number, server, deadline_after(now, max_silence));
        if (server.attempts == 1 || (repeated_at != no_deadline && now < repeated_at + 1min)) return;
        repeated_at = now;
        events.push(client_event::repeated{});
    }

    void prove(uid from, const packet::y_and_server_validator& p)
    {
        known_server* const server = find(from);
        if (server == nullptr || server->stage != server_stage::greeted) return;
        auto agreed = server->held->exchange->finish(self, server->who, p.y, p.validator);
        --server->unanswered;
        if (!agreed) return doubt(from, *server, agreed.error());
        unschedule(from.value, *server);
        server->stage = server_stage::proven;
        server->held->exchange.reset();
        server->held->keys = std::move(agreed->keys);
        output.put(from, packet::client_validator{agreed->client_validator});
    }

    void doubt(uid from, known_server& server, error_code why)
    {
        const identity who = server.who;
        if (why == errc::invalid_client_validator && server.unanswered != 0) {
            // Perhaps a late answer to an earlier X, whose exchange is no longer known.
            unschedule(from.value, server);
            server.doubtful = true;
            schedule(from.value, server, deadline_after(now, max_silence));
        } else {
            reject_known(from, why);
        }
        if (why == errc::invalid_client_validator) count_guess(who);
    }

    void offer(uid from)
    {
        known_server* const server = find(from);
        if (server == nullptr || server->stage != server_stage::proven) return;
        server->stage = server_stage::offered;
        if (!server->held->keys.session2)
            events.push(client_event::offered{from, server->who});
        else if (!accepted_server)
            accept(from);
    }

    // The place of the accepted server is free: one of version 2 that waits for it takes it.
    void accept_next()
    {
        const known_server* first = nullptr;
        std::uint16_t number = 0;
        for (const auto& [each, server] : servers) {
            if (server.stage != server_stage::offered || !server.held->keys.session2) continue;
            if (first != nullptr && first->greeted_at < server.greeted_at) continue;
            first = &server;
            number = each;
        }
        if (first != nullptr) accept({number});
    }

    // Once `accepted` is sent, a failure from the server no longer counts: the relay may already have acted
    // on `accepted`. The relay will send either `done` or the server's `closed`.
    void give_up(uid from)
    {
        if (accepted_server != from) leave(from);
    }

    void leave(uid from)
    {
        const known_server* const server = find(from);
        if (server == nullptr) return;
        if (server->stage >= server_stage::offered && !server->held->keys.session2)
            events.push(client_event::gone{from, server->who});
        forget(from);
    }

    void agree()
    {
        if (!accepted_server) return fail(errc::unexpected_packet);
        known_server& server = *find(*accepted_server);
        events.push(client_event::agreed{agreement{self, server.who, std::move(server.held->keys)}});
        finish({});
    }

    bool accept(uid server)
    {
        known_server* const chosen = find(server);
        if (chosen == nullptr || chosen->stage != server_stage::offered || accepted_server) return false;
        chosen->stage = server_stage::accepted;
        accepted_server = server;
        output.put(server, packet::accepted{});
        return true;
    }

    bool refuse(uid server)
    {
        const known_server* const chosen = find(server);
        if (chosen == nullptr || chosen->stage != server_stage::offered) return false;
        forget(server);
        output.put(server, packet::refused{});
        return true;
    }

    void reject(uid server, const identity& who, error_code why)
    {
        // A fault of this side is not the peer's failure.
        if (why == errc::crypto_unavailable) return fail(why);
        output.put(server, packet::spoke_failure{to_spoke_failure(why)});
        if (guesses.may_tell(now)) events.push(client_event::rejected{who, why});
    }

    void reject_known(uid server, error_code why)
    {
        const identity who = find(server)->who;
        forget(server);
        reject(server, who, why);
    }

    void count_guess(const identity& who)
    {
        guesses.add(who, now);
        report_guesses();
        if (guesses.is_exhausted()) fail(errc::too_many_guesses);
    }

    void report_guesses()
    {
        if (const auto report = guesses.take_report(now)) events.push(client_event::guesses{*report});
    }

    // --- derivations -----------------------------------------------------------------------------

    derivation_queue& queue_of(const known_server& server) noexcept
    {
        return server.attempts == 0 ? first_attempts : repetitions;
    }

    void wait_for_derivation(std::uint16_t number, known_server& server)
    {
        server.turn = queue_of(server).add(number, server.who, server.cost);
        server.waits = true;
    }

    bool is_payable(const derivation_queue& queue) const noexcept
    {
        return !queue.empty() && budget.payable_at(queue.front().cost) <= now;
    }

    bool is_place_free() const noexcept { return places < options.max_servers || !silent.empty(); }

    // The queue whose first server is next; null when no derivation can begin now.
    derivation_queue* next_queue() noexcept
    {
        if (job_out || !is_place_free()) return nullptr;
        derivation_queue* const preferred = repetition_is_next ? &repetitions : &first_attempts;
        derivation_queue* const other = repetition_is_next ? &first_attempts : &repetitions;
        return is_payable(*preferred) ? preferred : is_payable(*other) ? other : nullptr;
    }

    std::optional<client_derivation> next_derivation()
    {
        due_told = false;
        derivation_queue* const queue = finished ? nullptr : next_queue();
        if (queue == nullptr) return std::nullopt;
        const std::uint16_t number = queue->front().server;
        known_server& server = servers.at(number);
        auto work =
            spoke_client_derivation::create(password.duplicate(), server.public_packet,
                                            random_scalar(*random), options.max_iterations, options.versions);
        if (!work) {
            reject_known({number}, work.error());
            return std::nullopt;
        }
        repetition_is_next = queue == &first_attempts;
        queue->begin_front();
        unschedule(number, server);
        if (!server.held) take_place(server);
        budget.pay(server.cost, now);
        job_out = server.serial;
        return client_derivation{{number}, server.serial, std::move(*work)};
    }

    // A server that has left, has answered or gave cause for doubt meanwhile does not get its X.
    void derived(client_derivation job)
    {
        if (job_out != job.serial_) return;
        job_out.reset();
        known_server* const server = find(job.server_);
        if (server == nullptr || server->serial != job.serial_ || server->stage > server_stage::greeted ||
            server->doubtful)
            return;
        job.run(std::numeric_limits<std::uint64_t>::max());
        auto exchange = job.work_.take();
        if (!exchange) return reject_known(job.server_, exchange.error());
        greet(job.server_.value, *server, std::move(*exchange));
    }

    // There is one, or a silent server gives its own up.
    void take_place(known_server& server)
    {
        if (places >= options.max_servers) {
            known_server& loser = servers.at(silent.begin()->second);
            silent.erase(silent.begin());
            loser.silent = false;
            loser.stage = server_stage::announced;
            loser.held.reset();
            --places;
        }
        server.held = std::make_unique<held_secrets>();
        ++places;
    }

    // --- time ------------------------------------------------------------------------------------

    void schedule(std::uint16_t number, known_server& server, time_point when)
    {
        server.deadline = when;
        if (when != no_deadline) deadlines.emplace(when, number);
    }

    // Takes the server out of everything that waits.
    void unschedule(std::uint16_t number, known_server& server)
    {
        if (server.deadline != no_deadline) deadlines.erase({server.deadline, number});
        server.deadline = no_deadline;
        if (server.waits) queue_of(server).remove(server.turn, server.who);
        server.waits = false;
        if (server.silent) silent.erase({server.greeted_at, number});
        server.silent = false;
    }

    void expire(time_point to)
    {
        now = std::max(now, to);
        while (!finished && !deadlines.empty() && deadlines.begin()->first <= now) {
            const std::uint16_t number = deadlines.begin()->second;
            deadlines.erase(deadlines.begin());
            known_server& server = servers.at(number);
            const time_point was = std::exchange(server.deadline, no_deadline);
            if (server.doubtful) {
                reject_known({number}, errc::invalid_client_validator);
            } else if (server.stage == server_stage::greeted && !server.silent) {
                server.silent = true;
                silent.emplace(server.greeted_at, number);
                const unsigned doublings = std::min<unsigned>(server.attempts - 1U, max_doublings);
                schedule(number, server, deadline_after(was, max_silence * ((1 << doublings) - 1)));
            } else {
                wait_for_derivation(number, server);
            }
        }
        if (!finished) report_guesses();
    }

    time_point next_deadline() const noexcept
    {
        if (finished) return no_deadline;
        time_point next =
            std::min(guesses.next_deadline(), deadlines.empty() ? no_deadline : deadlines.begin()->first);
        if (job_out || !is_place_free()) return next;
        for (const derivation_queue* const queue : {&first_attempts, &repetitions})
            if (!queue->empty() && !is_payable(*queue))
                next = std::min(next, budget.payable_at(queue->front().cost));
        return next;
    }

    // --- the table of servers --------------------------------------------------------------------

    known_server* find(uid server)
    {
        const auto found = servers.find(server.value);
        return found == servers.end() ? nullptr : &found->second;
    }

    void forget(uid server)
    {
        const auto found = servers.find(server.value);
        if (found == servers.end()) return;
        if (accepted_server == server) {
            accepted_server.reset();
            accepts_next = true;
        }
        unschedule(server.value, found->second);
        if (found->second.held) --places;
        servers.erase(found);
    }

    void fail(error_code why) { finish(why); }

    void finish(error_code why)
    {
        finished = true;
        error = why;
        servers.clear();
        deadlines.clear();
        first_attempts.clear();
        repetitions.clear();
        silent.clear();
        accepted_server.reset();
        password = secret_bytes{};
    }

    // After every input: the owner learns of a derivation that can begin.
    void settle()
    {
        if (!finished && std::exchange(accepts_next, false)) accept_next();
        if (finished || due_told || next_queue() == nullptr) return;
        due_told = true;
        events.push(client_event::derivation_due{});
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
    state_->settle();
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

void client_machine::expire(time_point now)
{
    if (state_->finished) return;
    state_->expire(now);
    state_->settle();
}

time_point client_machine::next_deadline() const noexcept
{
    return state_->next_deadline();
}

std::optional<client_derivation> client_machine::next_derivation()
{
    return state_->next_derivation();
}

void client_machine::derived(client_derivation job)
{
    if (state_->finished) return;
    state_->derived(std::move(job));
    state_->settle();
}

bool client_machine::accept(uid server)
{
    return !state_->finished && state_->accept(server);
}

bool client_machine::refuse(uid server)
{
    const bool done = !state_->finished && state_->refuse(server);
    if (done) state_->settle();
    return done;
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

std::uint64_t client_machine::guesses() const noexcept
{
    return state_->guesses.total();
}

} // namespace parley
